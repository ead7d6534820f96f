// Chapter 06, step 7: closing a loop.

#include "support.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <stdexcept>

TEST(Step7_Closing, CloseDropsAllThatWaits) {  // AIO-12
  VirtualLoop v;
  std::atomic<int> alive = 0;
  int calls = 0;
  v.loop.call_soon([&, counted = Counted(alive)] { ++calls; });
  const TimerHandle timer = v.loop.call_later(1s, [&, counted = Counted(alive)] { ++calls; });
  v.loop.call_soon_threadsafe([&, counted = Counted(alive)] { ++calls; });
  EXPECT_EQ(alive, 3);
  EXPECT_FALSE(v.loop.is_closed());
  v.loop.close();
  EXPECT_TRUE(v.loop.is_closed());
  EXPECT_EQ(alive, 0) << "also if somebody has the handle";
  EXPECT_EQ(calls, 0);
  v.loop.close();
  EXPECT_TRUE(v.loop.is_closed());
}

TEST(Step7_Closing, AClosedLoopTakesNothingAndDoesNotRun) {  // AIO-12
  VirtualLoop v;
  v.loop.close();
  std::atomic<int> alive = 0;
  Counted counted(alive);
  for (const std::string& error : {
           error_of([&] { v.loop.call_soon(nothing); }),
           error_of([&] { v.loop.call_later(1s, nothing); }),
           error_of([&] { v.loop.call_at(at(1s), nothing); }),
           error_of([&] { v.loop.call_soon_threadsafe([counted = std::move(counted)] {}); }),
           error_of([&] { v.loop.run_forever(); }),
       })
    EXPECT_EQ(error, "Event loop is closed");
  EXPECT_THROW(v.loop.call_soon(nothing), std::runtime_error);
  EXPECT_THROW(v.loop.run_forever(), std::runtime_error);
  EXPECT_EQ(alive, 0);
}

TEST(Step7_Closing, ARunningLoopIsNotClosed) {  // AIO-12
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] {
    log.push_back(error_of([&] { v.loop.close(); }));
    EXPECT_THROW(v.loop.close(), std::runtime_error);
  });
  v.loop.call_soon([&] { log.push_back("next"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"Cannot close a running event loop", "next"}));
  EXPECT_FALSE(v.loop.is_closed());
  v.run_once();
  v.loop.close();
  EXPECT_TRUE(v.loop.is_closed()) << "now it does not run";
}

TEST(Step7_Closing, WhatIsDroppedMayTryToScheduleAndMayCancel) {  // AIO-12
  VirtualLoop v;
  Log log;
  TimerHandle timer = v.loop.call_later(1s, nothing);
  const auto at_end = [&] {
    timer.cancel();
    log.push_back(error_of([&] { v.loop.call_soon(nothing); }));
    log.push_back(error_of([&] { v.loop.call_soon_threadsafe(nothing); }));
  };
  v.loop.call_soon([end = AtEnd(at_end)] {});
  v.loop.call_soon_threadsafe([end = AtEnd(at_end)] {});
  v.loop.call_later(2s, [end = AtEnd(at_end)] {});
  v.loop.close();
  EXPECT_EQ(log, Log(6, "Event loop is closed"));
}

TEST(Step7_Closing, WhatIsDroppedMayCancelItself) {  // AIO-12
  for (const bool close : {true, false}) {
    std::array<Handle, 3> handles;
    std::array<int, 3> destroyed{};
    {
      VirtualLoop v;
      const auto end_of = [&](std::size_t place) {
        return AtEnd([&, place] {
          EXPECT_EQ(++destroyed[place], 1) << "cancel() meets a callback that is being destroyed";
          handles[place].cancel();
        });
      };
      handles[0] = v.loop.call_soon([end = end_of(0)] {});
      handles[1] = v.loop.call_later(1s, [end = end_of(1)] {});
      handles[2] = v.loop.call_soon_threadsafe([end = end_of(2)] {});
      if (close) v.loop.close();
    }
    EXPECT_EQ(destroyed, (std::array{1, 1, 1}));
    for (const Handle& handle : handles) EXPECT_TRUE(handle.cancelled());
  }
}

TEST(Step7_Closing, WhatIsDroppedWasNotCancelled) {  // AIO-12
  VirtualLoop v;
  const std::array<Handle, 3> handles = {v.loop.call_soon(nothing), v.loop.call_later(1s, nothing),
                                         v.loop.call_soon_threadsafe(nothing)};
  v.loop.close();
  for (const Handle& handle : handles)
    EXPECT_FALSE(handle.cancelled()) << "cancelled() says whether somebody has called cancel()";
}

TEST(Step7_Closing, WhatIsRefusedIsDestroyedUnderNoLock) {
  VirtualLoop v;
  v.loop.close();
  Log log;
  const auto post = [&] { v.loop.call_soon_threadsafe(nothing); };
  log.push_back(error_of([&] {
    v.loop.call_soon_threadsafe([end = AtEnd([&] { log.push_back("dropped: " + error_of(post)); })] {});
  }));
  EXPECT_EQ(log, (Log{"dropped: Event loop is closed", "Event loop is closed"}));
}

TEST(Step7_Closing, AHandleMayOutliveItsLoop) {
  for (const bool close : {true, false}) {
    std::atomic<int> alive = 0;
    Handle ran, waiting;
    {
      VirtualLoop v;
      ran = v.loop.call_soon(nothing);
      v.run_once();
      waiting = v.loop.call_soon([counted = Counted(alive)] {});
      if (close) v.loop.close();
    }
    EXPECT_EQ(alive, 0) << "the loop destroys it, also if somebody has the handle";
    waiting.cancel();
    EXPECT_TRUE(waiting.cancelled());
    EXPECT_FALSE(ran.cancelled());
  }
}

TEST(Step7_Closing, WhateverWaitsIsDestroyedThoughSomebodyHasItsHandle) {  // AIO-12
  for (const bool close : {true, false}) {
    std::atomic<int> ready = 0, due = 0, posted = 0;
    std::vector<Handle> handles;
    {
      VirtualLoop v;
      handles.push_back(v.loop.call_soon([counted = Counted(ready)] {}));
      handles.push_back(v.loop.call_later(1s, [counted = Counted(due)] {}));
      for (int i = 0; i < 2; ++i)
        handles.push_back(v.loop.call_soon_threadsafe([counted = Counted(posted)] {}));
      handles.back().cancel();  // the loop is to destroy it
      if (close) {
        v.loop.close();
        EXPECT_EQ(ready + due + posted, 0);
      }
    }
    EXPECT_EQ(ready, 0);
    EXPECT_EQ(due, 0);
    EXPECT_EQ(posted, 0);
    for (Handle& handle : handles) handle.cancel();
  }
}

TEST(Step7_Closing, AHandleThatOutlivesItsLoopWritesNothingWhereTheLoopWas) {
  for (const bool close : {true, false}) {
    alignas(EventLoop) std::array<std::byte, sizeof(EventLoop)> memory{};
    const auto loop = reinterpret_cast<EventLoop*>(memory.data());
    std::construct_at(loop, std::make_unique<VirtualTimeSelector>());
    std::vector<Handle> handles;
    handles.push_back(loop->call_soon(nothing));
    handles.push_back(loop->call_later(1s, nothing));
    handles.push_back(loop->call_soon_threadsafe(nothing));
    if (close) loop->close();
    std::destroy_at(loop);
    memory.fill(std::byte(0x5a));
    for (Handle& handle : handles) handle.cancel();
    EXPECT_TRUE(std::ranges::all_of(memory, [](std::byte byte) { return byte == std::byte(0x5a); }))
        << "cancel() tells a loop that is gone";
  }
}

TEST(Step7_Closing, ACallbackMayCloseAnotherLoop) {  // AIO-12
  VirtualLoop v, other;
  v.loop.call_soon([&] { v.log.push_back(error_of([&] { other.loop.close(); })); });
  v.run_once();
  EXPECT_EQ(v.log, Log{"nothing"}) << "the other loop does not run";
  EXPECT_TRUE(other.loop.is_closed());
  EXPECT_FALSE(v.loop.is_closed());
}

TEST(Step7_Closing, WhatIsDroppedFindsTheLoopClosedAndMayCloseItAgain) {  // AIO-12
  VirtualLoop v;
  int dropped = 0;
  const auto at_end = [&] {
    ++dropped;
    EXPECT_TRUE(v.loop.is_closed());
    v.loop.close();
    EXPECT_EQ(error_of([&] { v.loop.run_forever(); }), "Event loop is closed");
  };
  v.loop.call_soon([end = AtEnd(at_end)] {});
  v.loop.call_soon_threadsafe([end = AtEnd(at_end)] {});
  v.loop.call_later(2s, [end = AtEnd(at_end)] {});
  v.loop.close();
  EXPECT_EQ(dropped, 3);
}

TEST(Step7_Closing, APostIsRefusedByARuntimeError) {  // AIO-12
  VirtualLoop v;
  v.loop.close();
  EXPECT_THROW(v.loop.call_soon_threadsafe(nothing), std::runtime_error);
}

TEST(Step7_Closing, CloseNeedsNoMemory) {
  const int ran_out = course::until_memory_suffices([](course::Memory& memory) {
    VirtualLoop v;
    std::atomic<int> alive = 0;
    for (int i = 0; i < 3; ++i) {
      v.loop.call_soon([counted = Counted(alive)] {});
      v.loop.call_later(1s, [counted = Counted(alive)] {});
      v.loop.call_soon_threadsafe([counted = Counted(alive)] {});
    }
    EXPECT_TRUE(memory.suffices_for([&] { v.loop.close(); }));
    EXPECT_TRUE(v.loop.is_closed());
    EXPECT_EQ(alive, 0) << "what waits is destroyed, however little memory there is";
  });
  EXPECT_EQ(ran_out, 0) << "what is to be destroyed need not be put into a new list";
}
