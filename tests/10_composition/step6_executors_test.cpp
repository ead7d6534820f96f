// Chapter 10, step 6: calls on the threads of an executor, and the executor of a loop.

#include "awkward_results.hpp"
#include "bridge.hpp"
#include "exception_groups.hpp"
#include "gather.hpp"
#include "process_pool.hpp"
#include "real_loop.hpp"
#include "shield.hpp"
#include "support.hpp"
#include "task_group.hpp"
#include "thread_name.hpp"
#include "virtual_loop.hpp"
#include "wait_for.hpp"

#include <functional>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

using asyncio::gather;
using asyncio::shield;
using asyncio::TaskGroup;
using asyncio::wait_for;
using asyncio::wrap_future;
using concurrent::InlineExecutor;
using concurrent::ProcessPoolExecutor;
using concurrent::SerialExecutor;
using concurrent::ThreadPoolExecutor;
using course::run_passes;

TEST(Step6_Bridge, ACallRunsOnAThreadAndItsResultComesInTheLoop) {  // AIO-19
  in_real_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    std::thread::id worker;
    std::string name;
    const auto call = [&](int number) {
      worker = std::this_thread::get_id();
      name = concurrent::thread_name();
      EXPECT_EQ(EventLoop::running(), nullptr);
      return 2 * number;
    };
    std::thread::id delivered;
    Future<int> future = loop.run_in_executor(nullptr, call, 21);
    future.add_done_callback([&](const Future<int>&) { delivered = std::this_thread::get_id(); });
    const int number = co_await future;
    EXPECT_EQ(number, 42);
    EXPECT_NE(worker, std::this_thread::get_id());
    EXPECT_EQ(delivered, std::this_thread::get_id());
    EXPECT_EQ(name, "asyncio_0");
    const std::string error = co_await error_of(loop.run_in_executor(nullptr, complain, 7));
    EXPECT_EQ(error, "not 7");
  });
}

TEST(Step6_Bridge, TheLoopRunsOnMeanwhile) {  // AIO-19
  in_real_loop([]() -> Coro<> {
    Gate gate;
    const auto blocks = [&] { gate.pass(); };
    Future<> future = get_running_loop().run_in_executor(nullptr, blocks);
    gate.wait_until_entered();
    Log log;
    co_await gather(logs(log, "a", 1ms), logs(log, "b", 0s));
    EXPECT_EQ(log.size(), 4u);
    EXPECT_FALSE(future.done());
    gate.open();
    co_await future;
  });
}

TEST(Step6_Bridge, ArgumentsAreHandedOnAndResultsMayBeOfAnyType) {  // AIO-19
  in_real_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const auto takes = [](std::string text, std::unique_ptr<int> owner, int& number) {
      number += *owner;
      return std::make_unique<std::string>(text + "!");
    };
    int number = 1;
    const std::unique_ptr<std::string> text = co_await loop.run_in_executor(
        nullptr, takes, std::string("text"), std::make_unique<int>(2), std::ref(number));
    EXPECT_EQ(*text, "text!");
    EXPECT_EQ(number, 3);
    Future<int&> reference = loop.run_in_executor(nullptr, []() -> int& { return shared_number; });
    int& same = co_await reference;
    EXPECT_EQ(&same, &shared_number);
    co_await loop.run_in_executor(nullptr, [] {});
    struct Adder {
      int sum = 1;
      int add(int more) { return sum += more; }
    } adder;
    const int sum = co_await loop.run_in_executor(nullptr, &Adder::add, &adder, 2);
    EXPECT_EQ(sum, 3);
  });
}

TEST(Step6_Bridge, EveryExecutorWillDo) {  // AIO-19
  ProcessPoolExecutor processes({.max_workers = 1});
  in_real_loop([&]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ThreadPoolExecutor threads({.max_workers = 2});
    const auto stealing = work_stealing_executor(2);
    SerialExecutor serial(threads);
    InlineExecutor at_once;
    concurrent::Executor& any = threads;
    std::vector<Future<int>> futures;
    futures.push_back(loop.run_in_executor(threads, twice, 1));
    futures.push_back(loop.run_in_executor(*stealing, twice, 2));
    futures.push_back(loop.run_in_executor(serial, twice, 3));
    futures.push_back(loop.run_in_executor(at_once, twice, 4));
    futures.push_back(loop.run_in_executor(any, twice, 5));
    futures.push_back(loop.run_in_executor(processes, twice, 6));
    const std::vector<int> numbers = co_await gather(futures);
    EXPECT_EQ(numbers, (std::vector<int>{2, 4, 6, 8, 10, 12}));
    for (int i = 0; i < 3; ++i) {
      const std::string of_stealing = co_await error_of(loop.run_in_executor(*stealing, complain, i));
      EXPECT_EQ(of_stealing, "not " + std::to_string(i));
    }
    try {
      co_await loop.run_in_executor(processes, complain, 7);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const concurrent::RemoteError& error) {
      EXPECT_STREQ(error.what(), "not 7");
    }
    serial.shutdown();
  });
}

TEST(Step6_Bridge, ABrokenPoolIsAnErrorLikeAnyOther) {  // AIO-20
  ProcessPoolExecutor processes({.max_workers = 1});
  in_real_loop([&]() -> Coro<> {
    Future<int> future = get_running_loop().run_in_executor(processes, [] {
      std::_Exit(3);
      return 1;
    });
    try {
      co_await future;
      ADD_FAILURE() << "nothing was thrown";
    } catch (const concurrent::BrokenProcessPool&) {
    }
  });
}

TEST(Step6_Bridge, NothingIsDeliveredBeforeItHasRun) {  // AIO-19
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ManualExecutor manual;
    Future<int> first = loop.run_in_executor(manual, twice, 1);
    Future<int> second = loop.run_in_executor(manual, twice, 2);
    co_await passes(3);
    EXPECT_FALSE(first.done());
    EXPECT_TRUE(manual.run_one());
    EXPECT_FALSE(first.done()) << "it comes through the loop";
    co_await passes(2);
    EXPECT_EQ(first.result(), 2);
    EXPECT_FALSE(second.done());
    manual.run_all();
    const int number = co_await second;
    EXPECT_EQ(number, 4);
    InlineExecutor at_once;
    Future<int> ran = loop.run_in_executor(at_once, twice, 3);
    EXPECT_FALSE(ran.done()) << "although it has run";
    co_await passes(2);
    EXPECT_EQ(ran.result(), 6);
  });
}

TEST(Step6_Bridge, CancelledBeforeItBeginsTheCallNeverRuns) {  // AIO-20
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ManualExecutor manual;
    std::atomic<int> alive = 0;
    int calls = 0;
    std::optional call = [&, counted = std::make_shared<Counted>(alive)] { return ++calls; };
    Future<int> future = loop.run_in_executor(manual, *call);
    call.reset();
    EXPECT_TRUE(future.cancel());
    const std::string error = co_await error_of(future);
    EXPECT_EQ(error, "cancelled");
    co_await passes(1);
    EXPECT_EQ(manual.run_all(), 1u);
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(alive, 0);
    const auto waits = [&]() -> Coro<> {
      co_await wait_for(loop.run_in_executor(manual, [&] { ++calls; }), 1s);
    };
    const std::string too_late = co_await error_of(waits());
    EXPECT_EQ(too_late, "timeout");
    manual.run_all();
    EXPECT_EQ(calls, 0);
  });
}

TEST(Step6_Bridge, CancelledWhileItRunsTheCallRunsOn) {  // AIO-20
  in_real_loop([]() -> Coro<> {
    Gate gate;
    std::atomic<int> alive = 0;
    std::atomic<bool> ended = false;
    const auto call = [&] {
      gate.pass();
      ended = true;
      return Counted(alive);
    };
    ThreadPoolExecutor threads({.max_workers = 1});
    Future<Counted> future = get_running_loop().run_in_executor(threads, call);
    const auto awaits = [&]() -> Coro<> { co_await std::move(future); };
    Task<> task = create_task(awaits());
    co_await passes(1);
    gate.wait_until_entered();
    task.cancel();
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_FALSE(ended);
    gate.open();
    threads.shutdown();
    EXPECT_TRUE(ended);
    co_await passes(3);
    EXPECT_EQ(alive, 0) << "the result has nobody who wants it";
  });
}

TEST(Step6_Bridge, AnExecutorThatIsShutDownCancelsWhatWaits) {  // AIO-20, AIO-30
  in_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    ManualExecutor manual;
    Future<int> future = loop.run_in_executor(manual, twice, 1);
    manual.shutdown({.wait = false, .cancel_futures = true});
    const std::string error = co_await error_of(future);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(future.cancelled());
    EXPECT_THROW(static_cast<void>(loop.run_in_executor(manual, twice, 1)), concurrent::ExecutorShutdown);
    std::optional<Future<int>> left;
    {
      ManualExecutor gone;
      left = loop.run_in_executor(gone, twice, 1);
    }
    const std::string dropped = co_await error_of(*left);
    EXPECT_EQ(dropped, "cancelled");
  });
}

TEST(Step6_Bridge, AWorkerMayEndWhenTheLoopIsGone) {  // AIO-20
  const NoCallbackErrors no_errors;
  for (const bool close : {true, false}) {
    Gate gate;
    std::atomic<int> alive = 0;
    ThreadPoolExecutor threads({.max_workers = 1});
    auto loop = asyncio::new_event_loop();
    Log reports;
    listen(*loop, reports);
    std::optional<Future<Counted>> future = loop->run_in_executor(threads, [&] {
      gate.pass();
      return Counted(alive);
    });
    gate.wait_until_entered();
    run_passes(*loop, 2);
    close ? loop->close() : loop.reset();
    gate.open();
    threads.shutdown();
    EXPECT_FALSE(future->done());
    future.reset();
    EXPECT_EQ(alive, 0);
  }
}

TEST(Step6_Bridge, ManyCallsOfManyThreadsAllArrive) {  // AIO-19
  in_real_loop([]() -> Coro<> {
    ThreadPoolExecutor threads({.max_workers = 4});
    for (int round = 0; round < 10; ++round) {
      std::vector<Future<int>> futures;
      for (int i = 0; i < 100; ++i) futures.push_back(get_running_loop().run_in_executor(threads, twice, i));
      const std::vector<int> numbers = co_await gather(futures);
      for (int i = 0; i < 100; ++i) EXPECT_EQ(numbers.at(i), 2 * i);
    }
    // One after another: the loop falls asleep each time.
    int number = 1;
    for (int i = 0; i < 20; ++i) number = co_await get_running_loop().run_in_executor(threads, twice, number);
    EXPECT_EQ(number, 1 << 20);
  });
}

TEST(Step6_Bridge, AClockThatJumpsDoesNotWhileWorkIsOutOnAThread) {  // AIO-19
  in_loop([]() -> Coro<> {
    Gate gate;
    EventLoop& loop = get_running_loop();
    Future<int> future = loop.run_in_executor(nullptr, [&] {
      gate.pass();
      return 7;
    });
    gate.wait_until_entered();
    std::jthread opener([&] {
      course::wait_until_others_block();  // the loop too: it waits, and its clock does not jump to the limit
      gate.open();
    });
    const int result = co_await wait_for(future, 1h);
    EXPECT_EQ(result, 7);
    co_await sleep(1h);
    EXPECT_GE(now(), 1h) << "and now it jumps again";
  });
}

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
