// Chapter 10, step 5: as_completed: each as it comes.

#include "awkward_results.hpp"
#include "completion_order.hpp"
#include "gather.hpp"
#include "leaks.hpp"
#include "many_tasks.hpp"
#include "support.hpp"
#include "waiting.hpp"

#include <algorithm>
#include <optional>
#include <vector>

using asyncio::as_completed;
using asyncio::gather;
using asyncio::ReturnWhen;
using asyncio::wait;

TEST(Step5_Waiting, AsCompletedGivesResultsAsTheyCome) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 5s, 2s});
    Numbers numbers;
    std::vector<Duration> times;
    for (auto next : as_completed(tasks)) {
      numbers.push_back(co_await std::move(next));
      times.push_back(now());
    }
    EXPECT_EQ(numbers, (Numbers{1, 2, 3, 5}));
    EXPECT_EQ(times, (std::vector<Duration>{1s, 2s, 3s, 5s}));
    Numbers again;
    for (auto next : as_completed(tasks)) again.push_back(co_await std::move(next));
    EXPECT_EQ(again, (Numbers{3, 1, 5, 2})) << "what is done already comes in the order of the range";
  });
}

TEST(Step5_Waiting, AsCompletedTakesAsManyPassesAsInPython) {  // AIO-68
  in_loop([]() -> Coro<> {
    const auto result_after = [](int number) -> Coro<std::string> {
      co_await passes(number);
      co_return "r" + std::to_string(number);
    };
    for (const bool with_next : {false, true}) {
      Log log;
      Task<> counter = create_task(count_passes(log, 10));
      std::vector<Task<std::string>> tasks;
      for (const int number : {4, 1, 2}) tasks.push_back(create_task(result_after(number)));
      auto completed = as_completed(tasks);
      if (with_next)
        while (auto task = co_await completed.next()) log.push_back(task->result());
      else
        for (auto next : completed) log.push_back(co_await std::move(next));
      co_await counter;
      EXPECT_EQ(log, (Log{"1", "2", "3", "r1", "4", "r2", "5", "6", "r4", "7", "8", "9", "10"}));
    }
  });
}

TEST(Step5_Waiting, TheKthThatIsAwaitedGivesTheKthThatIsDone) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 2s});
    std::vector<Coro<int>> coros;
    for (auto next : as_completed(tasks)) coros.push_back(std::move(next));
    EXPECT_EQ(coros.size(), 3u);
    Log log;
    const auto reads = [&](std::string name, Coro<int> coro) -> Coro<> {
      const int number = co_await std::move(coro);
      log.push_back(name + std::to_string(number));
    };
    // The last one first.
    co_await gather(reads("c", std::move(coros[2])), reads("b", std::move(coros[1])),
                    reads("a", std::move(coros[0])));
    EXPECT_EQ(log, (Log{"c1", "b2", "a3"}));
  });
}

TEST(Step5_Waiting, NextGivesTheTasksThemselves) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 2s});
    auto completed = as_completed(tasks);
    Numbers places;
    while (const auto task = co_await completed.next()) {
      EXPECT_TRUE(task->done());
      places.push_back(static_cast<int>(std::ranges::find(tasks, *task) - tasks.begin()));
    }
    EXPECT_EQ(places, (Numbers{1, 2, 0}));
    const auto none = co_await completed.next();
    EXPECT_FALSE(none) << "and nothing when all have been given";
  });
}

TEST(Step5_Waiting, ALoopThatWasLeftEarlyMayGoOn) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({4s, 1s, 5s, 2s, 3s});
    auto completed = as_completed(tasks);
    Numbers numbers;
    for (auto next : completed) {
      numbers.push_back(co_await std::move(next));
      if (numbers.size() == 2) break;
    }
    const auto third = co_await completed.next();
    numbers.push_back(third.value().result());
    for (auto next : completed) numbers.push_back(co_await std::move(next));
    EXPECT_EQ(numbers, (Numbers{1, 2, 3, 4, 5}));
  });
}

TEST(Step5_Waiting, AsCompletedThrowsWhatATaskEndedWith) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(fail_after(2s, "child")));
    tasks.push_back(create_task(passes(1)));
    tasks.push_back(create_task(sleep(1h)));
    get_running_loop().call_later(3s, [&] { tasks[2].cancel(); });
    Log log;
    for (auto next : as_completed(tasks)) log.push_back(co_await error_of(std::move(next)));
    EXPECT_EQ(log, (Log{"nothing", "child", "cancelled"}));
    EXPECT_EQ(current_task()->cancelling(), 0u);
    auto completed = as_completed(tasks);
    int given = 0;
    while (co_await completed.next()) ++given;
    EXPECT_EQ(given, 3) << "next() gives the tasks, and throws nothing";
  });
}

TEST(Step5_Waiting, WhenTheTimeIsOverTheRestAreTimeouts) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({5s, 1s, 9s, 2s});
    Log log;
    for (auto next : as_completed(tasks, {.timeout = 3s})) {
      log.push_back(co_await error_of(std::move(next)));
      log.push_back(std::to_string(now() / 1s));
    }
    EXPECT_EQ(log, (Log{"nothing", "1", "nothing", "2", "timeout", "3", "timeout", "3"}));
    EXPECT_EQ(tasks[0].cancelling(), 0u);
    co_await wait(tasks);
    EXPECT_EQ(results(tasks), (Numbers{5, 1, 9, 2})) << "none was cancelled";
  });
}

TEST(Step5_Waiting, WhatWasInTimeIsGivenHoweverLateItIsAskedFor) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({2s, 1s, 9s});
    auto completed = as_completed(tasks, {.timeout = 3s});
    co_await sleep(5s);
    Log log;
    for (auto next : completed) {
      try {
        log.push_back(std::to_string(co_await std::move(next)));
      } catch (const TimeoutError&) {
        log.push_back("timeout");
      }
    }
    EXPECT_EQ(log, (Log{"1", "2", "timeout"})) << "the time counts from the call";
    const std::string none = co_await error_of(completed.next());
    EXPECT_EQ(none, "nothing");
  });
}

TEST(Step5_Waiting, AsCompletedCountsEachOnceAndMayBeEmpty) {  // AIO-68
  in_loop([]() -> Coro<> {
    Task<int> task = create_task(after(1s, 1));
    Task<int> other = create_task(after(2s, 2));
    Numbers numbers;
    for (auto next : as_completed(std::vector<Future<int>>{other, task, other, task}))
      numbers.push_back(co_await std::move(next));
    EXPECT_EQ(numbers, (Numbers{1, 2}));
    const std::vector<Task<int>> empty;
    for ([[maybe_unused]] auto next : as_completed(empty)) ADD_FAILURE() << "of nothing comes nothing";
    const auto none = co_await as_completed(empty).next();
    EXPECT_FALSE(none);
  });
  EXPECT_EQ(error_of([] { as_completed(std::vector<Task<int>>()); }), "no running event loop");
}

TEST(Step5_Waiting, WhoIsCancelledPassesItsWakeUpOn) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(get_running_loop().create_future<int>());
    std::vector<Coro<int>> coros;
    for (auto next : as_completed(futures)) coros.push_back(std::move(next));
    std::vector<Task<int>> readers;
    for (Coro<int>& coro : coros) readers.push_back(create_task(std::move(coro)));
    co_await passes(2);
    futures[1].set_result(1);
    co_await passes(1);
    EXPECT_TRUE(readers[0].cancel()) << "it has been woken, and does not know yet";
    const int second = co_await readers[1];
    EXPECT_EQ(second, 1);
    EXPECT_TRUE(readers[0].cancelled());
    futures[0].set_result(2);
    const int third = co_await readers[2];
    EXPECT_EQ(third, 2);
  });
}

TEST(Step5_Waiting, WhoIsCancelledWhileItWaitsIsNotWoken) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(get_running_loop().create_future<int>());
    auto completed = as_completed(futures);
    const auto reads = [&]() -> Coro<int> {
      const auto future = co_await completed.next();
      co_return future.value().result();
    };
    Task<int> first = create_task(reads());
    Task<int> second = create_task(reads());
    co_await passes(2);
    first.cancel();
    co_await passes(2);
    EXPECT_TRUE(first.cancelled());
    futures[2].set_result(3);
    const int number = co_await second;
    EXPECT_EQ(number, 3);
    futures[0].set_result(1);
    const int last = co_await reads();
    EXPECT_EQ(last, 1);
  });
}

TEST(Step5_Waiting, ResultsMayBeOfAnyType) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Task<std::unique_ptr<int>>> owners;
    for (int i = 1; i <= 2; ++i) owners.push_back(create_task(after(i * 1s, std::make_unique<int>(i))));
    int sum = 0;
    for (auto next : as_completed(owners)) sum += *co_await std::move(next);
    EXPECT_EQ(sum, 3);
    std::vector<Task<int&>> references(1, create_task(reference_after(1s)));
    for (auto next : as_completed(references)) {
      int& reference = co_await std::move(next);
      EXPECT_EQ(&reference, &shared_number);
    }
    const auto [done, pending] = co_await wait(references);
    EXPECT_EQ(&done.at(0).result(), &shared_number);
  });
}

TEST(Step5_Waiting, WhatAsCompletedGivesMayOutliveIt) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({2s, 1s});
    auto next = as_completed(tasks).next();
    const auto first = co_await std::move(next);
    EXPECT_EQ(first.value().result(), 1);
    std::optional<Coro<int>> coro;
    {
      auto completed = as_completed(tasks);
      coro = *completed.begin();
    }
    const int number = co_await std::move(*coro);
    EXPECT_EQ(number, 1);
  });
}

TEST(Step5_Waiting, AsCompletedLeavesNothingBehind) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Future<>> never(1, get_running_loop().create_future());
    for (int i = 0; i < 50; ++i) {
      auto completed = as_completed(never, {.timeout = 1h});
      co_await passes(1);
    }
    const auto ends = [&]() -> Coro<> {
      Future<>(never[0]).set_result();
      co_await sleep(2h);
    };
    const auto calls = co_await callbacks_in(ends());
    EXPECT_LE(calls, 5) << "no callback of the future, and no timer";
    auto completed = as_completed(never);
    const auto future = co_await completed.next();
    EXPECT_TRUE(future.has_value());
  });
}

TEST(Step5_Waiting, TwentyThousandTakeNoStack) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 20'000; ++i) tasks.push_back(create_task(sleep(Duration(i % 7))));
    int number = 0;
    for (auto next : as_completed(tasks)) {
      co_await std::move(next);
      ++number;
    }
    EXPECT_EQ(number, 20'000);
    const auto [done, pending] = co_await wait(tasks);
    EXPECT_EQ(done.size(), 20'000u);
  });
}

TEST(Step5_Waiting, ALoopMayGoWhileTheyWait) {
  const auto waits = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(passes(1)));
    tasks.push_back(create_task(alive_for(alive, 1h)));
    const auto reads = [&]() -> Coro<> {
      for (auto next : as_completed(tasks, {.timeout = 2h})) co_await std::move(next);
    };
    const auto reads_tasks = [&]() -> Coro<> {
      auto completed = as_completed(tasks);
      while (co_await completed.next()) {
      }
    };
    co_await wait(tasks, {.return_when = ReturnWhen::first_completed, .timeout = 1h});
    co_await gather(reads(), reads_tasks(), wait(tasks, {.timeout = 3h}));
  };
  abandon(waits);
}

TEST(Step5_Waiting, WhoIsCancelledWhileItWaitsLeavesTheOthersInTheirOrder) {  // AIO-68
  in_loop([]() -> Coro<> {
    for (const int leaves : {0, 1}) {
      std::vector<Future<int>> futures;
      for (int i = 0; i < 4; ++i) futures.push_back(get_running_loop().create_future<int>());
      Log log;
      const auto reads = [&](std::string name, Coro<int> next) -> Coro<> {
        const int number = co_await std::move(next);
        log.push_back(name + std::to_string(number));
      };
      std::vector<Task<>> readers;
      std::string name = "a";
      for (auto next : as_completed(futures)) {
        readers.push_back(create_task(reads(name, std::move(next))));
        ++name[0];
      }
      co_await passes(2);
      // The first one before anything is done; the second one when the first one is about to be woken.
      if (leaves == 1) futures[0].set_result(0);
      readers[leaves].cancel();
      for (int i = leaves; i < 3; ++i) {
        co_await passes(5);
        futures[i].set_result(i);
      }
      co_await passes(5);
      EXPECT_EQ(log, leaves == 0 ? (Log{"b0", "c1", "d2"}) : (Log{"a0", "c1", "d2"}))
          << "who was woken for nothing lost its place";
    }
  });
}

TEST(Step5_Waiting, WhoFindsNothingWhenItIsWokenWaitsOn) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 2; ++i) futures.push_back(get_running_loop().create_future<int>());
    auto completed = as_completed(futures, {.timeout = 1h});
    const auto reads = [&]() -> Coro<int> {
      const auto future = co_await completed.next();
      co_return future.value().result();
    };
    Task<int> waiting = create_task(reads());
    co_await passes(2);
    // The wake-up of the one is on its way when the other comes.
    futures[1].set_result(1);
    Task<int> comes = create_task(reads());
    co_await passes(4);
    EXPECT_NE(waiting.done(), comes.done()) << "there is one result, and whoever did not get it waits on";
    futures[0].set_result(2);
    const auto [one, other] = co_await gather(waiting, comes);
    EXPECT_EQ(one + other, 3);
  });
}

TEST(Step5_Waiting, WhatComesAfterTheTimeIsATimeoutHoweverLateItIsAskedFor) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({1s, 4s});
    auto completed = as_completed(tasks, {.timeout = 3s});
    co_await sleep(5s);
    Log log;
    for (auto next : completed) log.push_back(co_await error_of(std::move(next)));
    EXPECT_EQ(log, (Log{"nothing", "timeout"})) << "the second one was not in time";
  });
}

TEST(Step5_Waiting, AllWhoWaitHearThatTheTimeIsOver) {  // AIO-68
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({5s, 6s, 7s});
    std::vector<Task<int>> readers;
    for (auto next : as_completed(tasks, {.timeout = 3s})) readers.push_back(create_task(std::move(next)));
    for (const Task<int>& reader : readers) {
      const std::string error = co_await error_of(reader);
      EXPECT_EQ(error, "timeout");
      EXPECT_EQ(now(), 3s);
    }
  });
}
