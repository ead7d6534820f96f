// Chapter 06, step 1: which loop is running.

#include "support.hpp"

#include <stdexcept>
#include <thread>

TEST(Step1_RunningLoop, ALoopDoesNotRunInsideItself) {  // AIO-11
  VirtualLoop v;
  std::string error;
  v.loop.call_soon([&] {
    error = error_of([&] { v.loop.run_forever(); });
    EXPECT_THROW(v.loop.run_forever(), std::runtime_error);
  });
  v.run_once();
  EXPECT_EQ(error, "This event loop is already running");
}

TEST(Step1_RunningLoop, ARunThatIsRefusedUsesUpNoStop) {
  VirtualLoop v;
  int passes = 0;
  const std::function<void()> again = [&] {
    if (++passes == 5) return v.loop.stop();
    v.loop.call_soon(again);
  };
  v.loop.call_soon([&] {
    v.loop.stop();
    EXPECT_THROW(v.loop.run_forever(), std::runtime_error);
    EXPECT_TRUE(v.loop.is_running());
  });
  v.loop.call_soon(again);
  v.loop.run_forever();
  EXPECT_EQ(passes, 1) << "the loop was stopped in its first pass";
}

TEST(Step1_RunningLoop, ALoopDoesNotRunInsideAnother) {  // AIO-11
  VirtualLoop outer, inner;
  std::string error;
  outer.loop.call_soon([&] {
    error = error_of([&] { inner.run_once(); });
    EXPECT_THROW(inner.run_once(), std::runtime_error);
    EXPECT_EQ(&asyncio::get_running_loop(), &outer.loop);
  });
  outer.run_once();
  EXPECT_EQ(error, "Cannot run the event loop while another loop is running");
  int calls = 0;
  inner.loop.call_soon([&] { ++calls; });
  inner.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step1_RunningLoop, ALoopDoesNotRunOnTwoThreads) {  // AIO-11
  VirtualLoop v;
  std::string error;
  v.loop.call_soon([&] { std::jthread([&] { error = error_of([&] { v.loop.run_forever(); }); }).join(); });
  v.run_once();
  EXPECT_EQ(error, "This event loop is already running");
}

TEST(Step1_RunningLoop, TheRunningLoopIsKnownInsideAndPerThread) {  // AIO-18
  VirtualLoop v;
  EXPECT_EQ(error_of([] { asyncio::get_running_loop(); }), "no running event loop");
  Log log;
  v.loop.call_soon([&] {
    EXPECT_EQ(&asyncio::get_running_loop(), &v.loop);
    std::jthread([&] { log.push_back(error_of([] { asyncio::get_running_loop(); })); }).join();
  });
  v.run_once();
  EXPECT_EQ(log, Log{"no running event loop"});
  EXPECT_THROW(asyncio::get_running_loop(), std::runtime_error);
  EXPECT_EQ(error_of([] { asyncio::get_running_loop(); }), "no running event loop");
}

TEST(Step1_RunningLoop, TheLoopThatIsSetStaysSetWhenAnotherEnds) {  // AIO-18
  EventLoop set;
  asyncio::set_event_loop(&set);
  {
    VirtualLoop other;
    other.run_once();
  }
  EXPECT_EQ(&asyncio::get_event_loop(), &set);
}

TEST(Step1_RunningLoop, GetEventLoopPrefersTheRunningLoopToTheOneThatWasSet) {  // AIO-18
  const std::string none = "There is no current event loop in this thread";
  EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none);
  EXPECT_THROW(asyncio::get_event_loop(), std::runtime_error);
  VirtualLoop v;
  {
    const std::unique_ptr<EventLoop> set = asyncio::new_event_loop();
    EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none);
    asyncio::set_event_loop(set.get());
    EXPECT_EQ(&asyncio::get_event_loop(), set.get());
    EXPECT_EQ(error_of([] { asyncio::get_running_loop(); }), "no running event loop");
    std::jthread([&] { EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none); }).join();
    v.loop.call_soon([&] { EXPECT_EQ(&asyncio::get_event_loop(), &v.loop); });
    v.run_once();
    EXPECT_EQ(&asyncio::get_event_loop(), set.get());
    asyncio::set_event_loop(nullptr);
    EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none);
    asyncio::set_event_loop(set.get());
  }
  EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none) << "the loop that was set has ended";
}
