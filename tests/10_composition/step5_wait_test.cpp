// Chapter 10, step 5: wait: until all, the first one or the first error.

#include "completion_order.hpp"
#include "leaks.hpp"
#include "many_tasks.hpp"
#include "support.hpp"
#include "task_group.hpp"
#include "waiting.hpp"

#include <chrono>
#include <ranges>
#include <vector>

using asyncio::as_completed;
using asyncio::ReturnWhen;
using asyncio::TaskGroup;
using asyncio::wait;

TEST(Step5_Waiting, WaitEndsWhenAllAreDone) {  // AIO-65
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 2s});
    const auto [done, pending] = co_await wait(tasks);
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(results(done), (Numbers{3, 1, 2})) << "in the order in which they were given";
    EXPECT_TRUE(pending.empty());
    const auto [again, none] = co_await wait(tasks);
    EXPECT_EQ(results(again), (Numbers{3, 1, 2}));
    EXPECT_EQ(now(), 3s);
  });
}

TEST(Step5_Waiting, WaitEndsWithTheFirstThatIsDone) {  // AIO-65
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 2s});
    const auto [done, pending] = co_await wait(tasks, {.return_when = ReturnWhen::first_completed});
    EXPECT_EQ(now(), 1s);
    EXPECT_EQ(results(done), (Numbers{1}));
    EXPECT_EQ(pending.size(), 2u);
    EXPECT_TRUE(pending.at(0) == tasks[0]);
    EXPECT_TRUE(pending.at(1) == tasks[2]);
    const auto [more, fewer] = co_await wait(pending, {.return_when = ReturnWhen::first_completed});
    EXPECT_EQ(now(), 2s);
    EXPECT_EQ(results(more), (Numbers{2}));
    co_await wait(fewer);
    EXPECT_EQ(results(tasks), (Numbers{3, 1, 2})) << "none was cancelled";
  });
}

TEST(Step5_Waiting, WaitEndsWithTheFirstError) {  // AIO-65
  in_loop([]() -> Coro<> {
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(sleep(3s)));
    tasks.push_back(create_task(fail_after(2s, "child")));
    tasks.push_back(create_task(passes(2)));
    tasks.push_back(create_task(sleep(1h)));
    tasks.push_back(create_task(sleep(1h)));
    get_running_loop().call_later(1s, [&] { tasks[4].cancel(); });
    const auto [done, pending] = co_await wait(tasks, {.return_when = ReturnWhen::first_exception});
    EXPECT_EQ(now(), 2s) << "a task that is cancelled is no error";
    EXPECT_EQ(done.size(), 3u);
    EXPECT_TRUE(done.at(0) == tasks[1]);
    EXPECT_TRUE(done.at(1) == tasks[2]);
    EXPECT_TRUE(done.at(2) == tasks[4]);
    EXPECT_EQ(pending.size(), 2u);
    EXPECT_EQ(what(tasks[1].exception()), "child");
    tasks[3].cancel();
    const auto [all, none] = co_await wait(pending, {.return_when = ReturnWhen::first_exception});
    EXPECT_EQ(now(), 3s) << "without an error, it waits for all";
    EXPECT_EQ(all.size(), 2u);
    EXPECT_TRUE(none.empty());
  });
}

TEST(Step5_Waiting, WhatTheyEndWithIsNoConcernOfWait) {  // AIO-65
  in_loop([]() -> Coro<> {
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(fail_after(1s, "a")));
    tasks.push_back(create_task(fail_after(2s, "b")));
    const auto [done, pending] = co_await wait(tasks);
    EXPECT_EQ(done.size(), 2u);
    EXPECT_EQ(what(tasks[0].exception()), "a");
    EXPECT_EQ(what(tasks[1].exception()), "b");
  });
  for (const auto when :
       {ReturnWhen::all_completed, ReturnWhen::first_completed, ReturnWhen::first_exception}) {
    Log reports;
    in_loop(reports, [when]() -> Coro<> {
      const std::vector<Task<>> tasks(1, create_task(fail_after(1s, "nobody looks")));
      co_await wait(tasks, {.return_when = when});
    });
    EXPECT_EQ(reports, (Log{"Task exception was never retrieved nobody looks"}));
  }
}

TEST(Step5_Waiting, WhenTheTimeIsOverWaitTellsWhatIsPending) {  // AIO-65
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 1s, 5s});
    for (const auto return_when : {ReturnWhen::all_completed, ReturnWhen::first_exception}) {
      const Duration begin = now();
      const auto [done, pending] = co_await wait(tasks, {.return_when = return_when, .timeout = 1500ms});
      EXPECT_EQ(now() - begin, 1500ms);
      EXPECT_EQ(results(done).front(), begin == 0s ? 1 : 3);
      for (const Task<int>& task : pending) EXPECT_EQ(task.cancelling(), 0u);
    }
    const auto [done, pending] = co_await wait(tasks, {.timeout = 1h});
    EXPECT_EQ(now(), 5s) << "no longer than it takes";
    EXPECT_EQ(results(done), (Numbers{3, 1, 5}));
    const std::vector<Future<>> never(1, get_running_loop().create_future());
    const auto [none, one] = co_await wait(never, {.timeout = -1s});
    EXPECT_TRUE(none.empty());
    EXPECT_EQ(one.size(), 1u);
    EXPECT_EQ(now(), 5s);
  });
}

TEST(Step5_Waiting, WaitTakesAsManyPassesAsInPython) {  // AIO-65, AIO-66
  in_loop([]() -> Coro<> {
    Log log;
    const auto note = [&](const auto& found) {
      log.push_back(std::to_string(found.done.size()) + " " + std::to_string(found.pending.size()));
    };
    Task<> counter = create_task(count_passes(log, 8));
    std::vector<Task<>> tasks;
    tasks.push_back(create_task(passes(1)));
    tasks.push_back(create_task(passes(3)));
    note(co_await wait(tasks, {.return_when = ReturnWhen::first_completed}));
    note(co_await wait(tasks));
    note(co_await wait(tasks));
    co_await counter;
    EXPECT_EQ(log, (Log{"1", "2", "3", "1 1", "4", "5", "2 0", "6", "7", "2 0", "8"}));
    log.clear();
    counter = create_task(count_passes(log, 4));
    tasks[0] = create_task(passes(1));
    tasks[1] = create_task(passes(3));
    note(co_await wait(tasks, {.timeout = 0s}));
    co_await counter;
    EXPECT_EQ(log, (Log{"1", "1 1", "2", "3", "4"}));
  });
}

TEST(Step5_Waiting, MoreMayBeDoneThanWaitHasWaitedFor) {  // AIO-66
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({2s, 2s, 2s, 3s});
    const auto [done, pending] = co_await wait(tasks, {.return_when = ReturnWhen::first_completed});
    EXPECT_EQ(results(done), (Numbers{2, 2, 2})) << "done is what is done when it goes on";
    EXPECT_EQ(pending.size(), 1u);
  });
}

TEST(Step5_Waiting, WaitCountsEachOnceAndNeedsOne) {  // AIO-66
  in_loop([]() -> Coro<> {
    Task<int> task = create_task(after(1s, 1));
    Task<int> other = create_task(after(2s, 2));
    const std::vector<Future<int>> futures{task, other, task, other, task};
    const auto [done, pending] = co_await wait(futures);
    EXPECT_EQ(done.size(), 2u);
    EXPECT_TRUE(done.at(0) == task);
    EXPECT_TRUE(done.at(1) == other);
    const std::vector<Task<int>> none;
    EXPECT_THROW(static_cast<void>(wait(none)), std::invalid_argument);
    const auto [of_a_view, rest] = co_await wait(futures | std::views::take(1));
    EXPECT_EQ(of_a_view.size(), 1u);
    EXPECT_TRUE(rest.empty());
  });
}

TEST(Step5_Waiting, ToCancelWaitCancelsNothingElse) {  // AIO-67
  in_loop([]() -> Coro<> {
    const std::vector<Task<int>> tasks = tasks_after({3s, 5s});
    const auto waits = [&]() -> Coro<> { co_await wait(tasks, {.timeout = 1h}); };
    Task<> waiting = create_task(waits());
    co_await sleep(1s);
    EXPECT_TRUE(waiting.cancel());
    const std::string error = co_await error_of(waiting);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(now(), 1s);
    co_await wait(tasks);
    EXPECT_EQ(results(tasks), (Numbers{3, 5}));
  });
}

TEST(Step5_Waiting, TheyMayBeCancelledAtAnyTime) {  // AIO-67, AIO-68
  in_loop([]() -> Coro<> {
    const auto waits = [](std::atomic<int>& alive) -> Coro<> {
      co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        std::vector<Task<>> tasks;
        for (int i = 1; i <= 4; ++i) tasks.push_back(group.create_task(alive_passes(alive, 2 * i)));
        co_await wait(tasks, {.return_when = ReturnWhen::first_completed, .timeout = 1h});
        auto completed = as_completed(tasks, {.timeout = 1h});
        co_await completed.next();
        for (auto next : completed) co_await std::move(next);
        co_await wait(tasks);
      });
    };
    const int times = co_await cancel_at_every_pass(waits);
    EXPECT_GT(times, 8);
  });
}

TEST(Step5_Waiting, WaitLosesNoCancellationInThePassInWhichItEnds) {  // AIO-67
  in_loop([]() -> Coro<> {
    const std::vector<Future<>> futures(1, get_running_loop().create_future());
    const auto waits = [&]() -> Coro<> { co_await wait(futures); };
    Task<> waiting = create_task(waits());
    co_await passes(2);
    Future<>(futures[0]).set_result();
    co_await passes(1);
    EXPECT_TRUE(waiting.cancel());
    const std::string error = co_await error_of(waiting);
    EXPECT_EQ(error, "cancelled");
  });
}

TEST(Step5_Waiting, WaitLeavesNothingBehind) {  // AIO-67
  in_loop([]() -> Coro<> {
    const std::vector<Future<>> never(1, get_running_loop().create_future());
    const auto waits = [&]() -> Coro<> { co_await wait(never, {.timeout = 1h}); };
    for (int i = 0; i < 50; ++i) {
      co_await wait(never, {.timeout = 0s});
      Task<> waiting = create_task(waits());
      co_await passes(2);
      waiting.cancel();
      co_await passes(2);
    }
    const std::vector<Future<>> soon{never[0], get_running_loop().create_future()};
    get_running_loop().call_soon([&] { Future<>(soon[1]).set_result(); });
    co_await wait(soon, {.return_when = ReturnWhen::first_completed, .timeout = 1h});
    const auto ends = [&]() -> Coro<> {
      Future<>(never[0]).set_result();
      co_await sleep(2h);
    };
    const auto calls = co_await callbacks_in(ends());
    EXPECT_LE(calls, 5) << "no callback of the future, and no timer";
  });
}

TEST(Step5_Waiting, FuturesCanBeNamedOneByOne) {  // AIO-70
  in_loop([]() -> Coro<> {
    Task<int> first = create_task(after(1s, 1)), second = create_task(after(2s, 2));
    const auto [done, pending] = co_await wait({.return_when = ReturnWhen::first_completed}, first, second);
    EXPECT_EQ(done, std::vector{first});
    EXPECT_EQ(pending, std::vector{second});
    const auto both = co_await wait(first, second);
    EXPECT_EQ(both.done, (std::vector{first, second}));
    // Of different types they are AnyFutures.
    Future<> third = get_running_loop().create_future();
    const auto mixed = co_await wait({.timeout = 0.5s}, first, third);
    EXPECT_EQ(mixed.done.size(), 1u);
    EXPECT_TRUE(mixed.pending.at(0) == third);
    EXPECT_EQ(now(), 2'500ms);
    third.set_result();
  });
}

TEST(Step5_Waiting, AllTasksCanBeWaitedFor) {  // AIO-70
  in_loop([]() -> Coro<> {
    create_task(after(1s, 1));
    create_task(sleep(2s));
    std::vector<asyncio::AnyTask> tasks = all_tasks();
    std::erase(tasks, *current_task());
    const auto [done, pending] = co_await wait(tasks, {.timeout = std::chrono::hours::max()});
    EXPECT_EQ(done.size(), 2u);
    EXPECT_EQ(now(), 2s);
  });
}

TEST(Step5_Waiting, ACancellationAndAnErrorAreAnEndForTheFirstThatIsDone) {  // AIO-65
  in_loop([]() -> Coro<> {
    for (const bool fails : {false, true}) {
      const Duration begin = now();
      Future<> never = get_running_loop().create_future();
      Task<> ends = create_task(fail_after(fails ? 1s : 1h, "it failed"));
      if (!fails) get_running_loop().call_later(1s, [ends]() mutable { ends.cancel(); });
      const auto [done, pending] =
          co_await wait({.return_when = ReturnWhen::first_completed, .timeout = 1h}, never, ends);
      EXPECT_EQ(now() - begin, 1s);
      EXPECT_EQ(done.size(), 1u) << (fails ? "one has failed" : "one is cancelled") << ", and so it is done";
      co_await error_of(ends);
    }
  });
}
