// Chapter 10, step 6: the executor of a loop, and its end.

#include "bridge.hpp"
#include "exception_groups.hpp"
#include "real_loop.hpp"
#include "shield.hpp"
#include "support.hpp"
#include "task_group.hpp"
#include "wait_for.hpp"

#include <latch>
#include <optional>

using asyncio::shield;
using asyncio::TaskGroup;
using asyncio::wait_for;
using asyncio::wrap_future;
using concurrent::ThreadPoolExecutor;

TEST(Step6_Bridge, AnotherExecutorMayBeTheDefault) {  // AIO-19
  auto manual = std::make_shared<ManualExecutor>();
  const std::weak_ptr<ManualExecutor> watch = manual;
  {
    const auto loop = virtual_loop();
    Log reports;
    listen(*loop, reports);
    EXPECT_THROW(loop->set_default_executor(nullptr), std::invalid_argument);
    loop->set_default_executor(manual);
    Future<int> future = loop->run_in_executor(nullptr, twice, 4);
    EXPECT_EQ(manual->run_all(), 1u);
    EXPECT_EQ(loop->run_until_complete(future), 8);
    loop->close();
    EXPECT_THROW(manual->post([] {}), concurrent::ExecutorShutdown) << "it is shut down with the loop";
    EXPECT_EQ(error_of([&] { loop->set_default_executor(manual); }), "Event loop is closed");
    manual.reset();
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Step6_Bridge, TheExecutorIsJoinedWhileTheLoopRuns) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    std::latch answered(1);
    std::atomic<bool> ended = false;
    const auto needs_the_loop = [&] {
      loop.call_soon_threadsafe([&] { answered.count_down(); });
      answered.wait();
      ended = true;
    };
    Future<> future = loop.run_in_executor(nullptr, needs_the_loop);
    co_await loop.shutdown_default_executor();
    EXPECT_TRUE(ended);
    co_await future;
    EXPECT_EQ(error_of([&] { static_cast<void>(loop.run_in_executor(nullptr, twice, 1)); }),
              "Executor shutdown has been called");
    co_await loop.shutdown_default_executor();
    ThreadPoolExecutor threads({.max_workers = 1});
    const int number = co_await loop.run_in_executor(threads, twice, 1);
    EXPECT_EQ(number, 2) << "others work on";
  });
}

TEST(Step6_Bridge, ToJoinWhatWasNeverNeededTakesNoTime) {  // AIO-21
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const int number = co_await wrap_future(already<int>(1));
    EXPECT_EQ(number, 1);
    co_await loop.shutdown_default_executor();
    co_await loop.shutdown_default_executor(1s);
    EXPECT_EQ(now(), 0s);
    EXPECT_EQ(error_of([&] { static_cast<void>(loop.run_in_executor(nullptr, twice, 1)); }),
              "Executor shutdown has been called");
  });
}

TEST(Step6_Bridge, AnExecutorThatTakesTooLongIsReportedAndLeftAlone) {  // AIO-21
  Log reports;
  Gate gate;
  std::atomic<bool> ended = false;
  in_loop(reports, [&]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    Future<> future = loop.run_in_executor(nullptr, [&] {
      gate.pass();
      ended = true;
    });
    gate.wait_until_entered();
    co_await loop.shutdown_default_executor(1s);
    EXPECT_GE(now(), 1s);
    EXPECT_FALSE(future.done());
    EXPECT_FALSE(ended);
    EXPECT_EQ(reports, (Log{"The executor did not finish joining its threads in time. nothing"}));
    gate.open();
    co_await wait_for(shield(future), std::nullopt);
    EXPECT_TRUE(ended);
    co_await loop.shutdown_default_executor();
  });
  EXPECT_EQ(reports.size(), 1u);
}

TEST(Step6_Bridge, RunWaitsForTheExecutorAtItsEnd) {  // AIO-21
  std::atomic<bool> ended = false;
  std::latch entered(1);
  std::latch main_ends(1);
  in_real_loop([&]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const auto needs_the_loop = [&] {
      entered.count_down();
      main_ends.wait();
      for (int i = 0; i < 20; ++i) {
        std::latch answered(1);
        loop.call_soon_threadsafe([&] { answered.count_down(); });
        answered.wait();
      }
      ended = true;
    };
    const auto awaits = [](Future<> future) -> Coro<> { co_await std::move(future); };
    static_cast<void>(create_task(awaits(loop.run_in_executor(nullptr, needs_the_loop))));
    entered.wait();
    co_await passes(1);
    main_ends.count_down();
  });
  EXPECT_TRUE(ended) << "although the task that awaited it was cancelled";
}

TEST(Step6_Bridge, AnExecutorsCallsGoOnAfterClose) {  // AIO-20
  std::atomic<int> ended = 0;
  Gate gate;
  {
    EventLoop loop;
    Log reports;
    listen(loop, reports);
    for (int i = 0; i < 3; ++i)
      static_cast<void>(loop.run_in_executor(nullptr, [&] {
        gate.pass();
        ++ended;
      }));
    gate.wait_until_entered();
    loop.close();
    EXPECT_EQ(ended, 0) << "close() does not wait";
    gate.open();
  }
  EXPECT_EQ(ended, 3) << "but the end of the loop does";
}

TEST(Step6_Bridge, TheGroupOfATaskMayHoldCalls) {  // AIO-20, AIO-69
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ManualExecutor manual;
    int calls = 0;
    const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(loop.run_in_executor(manual, [&] { ++calls; }));
      group.create_task(loop.run_in_executor(manual, complain, 7));
      group.create_task(loop.run_in_executor(manual, [&] { ++calls; }));
      co_await passes(2);
      manual.run_one();
      manual.run_one();
      co_await sleep(1h);
    }));
    EXPECT_EQ(error, "group: not 7");
    manual.run_all();
    EXPECT_EQ(calls, 1) << "the last one was cancelled";
  });
}
