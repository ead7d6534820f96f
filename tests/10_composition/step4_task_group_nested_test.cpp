// Chapter 10, step 4: groups of tasks and limits of time inside one another, and at their borders.

#include "exception_groups.hpp"
#include "gather.hpp"
#include "leaks.hpp"
#include "shield.hpp"
#include "support.hpp"
#include "task_group.hpp"
#include "timeout.hpp"
#include "wait_for.hpp"

#include <algorithm>

using asyncio::gather;
using asyncio::shield;
using asyncio::TaskGroup;
using asyncio::timeout;
using asyncio::wait_for;

TEST(Step4_TaskGroup, GroupsNest) {  // AIO-74
  in_loop([]() -> Coro<> {
    Log log;
    const auto inner = [&](Duration delay) -> Coro<> {
      co_await TaskGroup::run([&, delay](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(delay, "inner"));
        group.create_task(logs(log, "a", 1h));
        co_await sleep(1h);
      });
    };
    const std::string inner_fails = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(logs(log, "b", 1h));
      group.create_task(inner(1s));
      co_return;
    }));
    EXPECT_EQ(inner_fails, "group: (inner)");
    EXPECT_EQ(log, (Log{"b begins", "a begins", "a is cancelled", "b is cancelled"}));
    log.clear();
    const std::string outer_fails = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "outer"));
      co_await inner(1h);
    }));
    EXPECT_EQ(outer_fails, "group: outer");
    EXPECT_EQ(log, (Log{"a begins", "a is cancelled"}));
    const std::string both_fail = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(inner(1s));
      group.create_task(fail_after(1s, "outer"));
      co_return;
    }));
    EXPECT_EQ(both_fail, "group: outer, (inner)") << "as in Python";
    const std::string in_one_task = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "outer"));
      co_await inner(1s);
    }));
    EXPECT_EQ(in_one_task, "group: outer, (inner)");
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

TEST(Step4_TaskGroup, AGroupThatHasEndedTakesNoTasks) {  // AIO-75
  in_loop([]() -> Coro<> {
    std::atomic<int> alive = 0;
    Log log;
    std::string refused;
    const auto counted = [&](std::shared_ptr<Counted>) -> Coro<> {
      log.push_back("begins");
      co_return;
    };
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      Task<> task = group.create_task(sleep(1s));
      // When the last task has ended, before anybody else knows.
      task.add_done_callback([&](const Future<>&) {
        refused = error_of([&] { group.create_task(counted(std::make_shared<Counted>(alive))); });
      });
      co_return;
    });
    EXPECT_EQ(refused, "TaskGroup is finished");
    EXPECT_EQ(alive, 0) << "the coroutine is destroyed";
    co_await sleep(1s);
    EXPECT_EQ(log, Log());
  });
}

TEST(Step4_TaskGroup, AGroupThatIsBeingCancelledTakesNoTasks) {  // AIO-75
  in_loop([]() -> Coro<> {
    std::atomic<int> alive = 0;
    Log log;
    const auto counted = [&](std::shared_ptr<Counted>) -> Coro<> {
      log.push_back("begins");
      co_return;
    };
    const auto part = [&](TaskGroup& group) -> Coro<> {
      const auto makes_one = [&]() -> Coro<> {
        try {
          co_await sleep(1h);
        } catch (const CancelledError&) {
          log.push_back(error_of([&] { group.create_task(counted(std::make_shared<Counted>(alive))); }));
          throw;
        }
      };
      group.create_task(makes_one());
      group.create_task(fail_after(1s, "child"));
      co_await makes_one();
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: child");
    EXPECT_EQ(log, (Log{"TaskGroup is shutting down", "TaskGroup is shutting down"}));
    EXPECT_EQ(alive, 0);
    co_await sleep(1s);
    EXPECT_EQ(log.size(), 2u);
  });
}

TEST(Step4_TaskGroup, AGroupWhoseParentIsCancelledTakesNoMoreTasks) {  // AIO-75
  in_loop([]() -> Coro<> {
    for (const bool part_waits : {true, false}) {
      Log log;
      const auto cleans_up_in_a_task = [&](TaskGroup& group) -> Coro<> {
        try {
          co_await sleep(1h);
        } catch (const CancelledError&) {
          log.push_back(error_of([&] { group.create_task(passes(1)); }));
          throw;
        }
      };
      const auto parent = [&]() -> Coro<> {
        const auto part = [&](TaskGroup& group) -> Coro<> {
          group.create_task(cleans_up_in_a_task(group));
          if (part_waits) co_await sleep(2h);
        };
        co_await TaskGroup::run(part);
      };
      Task<> task = create_task(parent());
      co_await passes(3);
      task.cancel();
      const std::string error = co_await error_of(task);
      EXPECT_EQ(error, "cancelled");
      EXPECT_EQ(log, Log{"TaskGroup is shutting down"});
    }
  });
}

TEST(Step4_TaskGroup, ItNeedsATask) {  // AIO-75
  const auto loop = virtual_loop();
  Log reports;
  listen(*loop, reports);
  std::string said_outside;
  loop->call_soon([&] {
    Coro<> group = TaskGroup::run([](TaskGroup&) { return passes(1); });
    group.handle().resume();
    if (group.done()) said_outside = what(group.outcome().exception());
  });
  run_passes(*loop, 1);
  EXPECT_EQ(said_outside, "TaskGroup cannot be used outside of a task");
  // Within one, it does its work.
  loop->run_until_complete(TaskGroup::run([](TaskGroup& group) -> Coro<> {
    group.create_task(passes(1));
    co_return;
  }));
}

TEST(Step4_TaskGroup, ALimitOfTimeAroundAGroupIsATimeout) {  // AIO-76, AIO-79
  in_loop([]() -> Coro<> {
    Log log;
    const auto runs = [&](Coro<> (*body)(Log&), bool fails) -> Coro<> {
      co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        group.create_task(slow_to_go(log, 1s));
        if (fails) group.create_task(fails_to_go("child"));
        co_await body(log);
      });
    };
    const auto waits = +[](Log&) -> Coro<> { co_await sleep(1h); };
    const auto ends = +[](Log&) -> Coro<> { co_return; };
    for (const auto body : {waits, ends}) {
      log.clear();
      const std::string error = co_await errors_of(timeout(2s, [&] { return runs(body, false); }));
      EXPECT_EQ(error, "timeout");
      EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
      EXPECT_EQ(current_task()->cancelling(), 0u);
      const std::string with_an_error = co_await errors_of(timeout(2s, [&] { return runs(body, true); }));
      EXPECT_EQ(with_an_error, "group: child") << "an error is no timeout";
      EXPECT_EQ(current_task()->cancelling(), 0u);
      const std::string next = co_await error_of(sleep(1s));
      EXPECT_EQ(next, "nothing") << "the limit's request is taken back";
    }
  });
}

TEST(Step4_TaskGroup, ALimitOfTimeInAGroupIsAnErrorLikeAnyOther) {  // AIO-76
  in_loop([]() -> Coro<> {
    Log log;
    const auto limited_body = [&](TaskGroup& group) -> Coro<> {
      group.create_task(logs(log, "a", 1h));
      co_await timeout(1s, [] { return sleep(1h); });
    };
    const std::string of_the_body = co_await errors_of(TaskGroup::run(limited_body));
    EXPECT_EQ(of_the_body, "group: timeout");
    EXPECT_EQ(log, (Log{"a begins", "a is cancelled"}));
    const auto limited_task = [&](TaskGroup& group) -> Coro<> {
      group.create_task(wait_for(sleep(1h), 1s));
      co_await sleep(1h);
    };
    const std::string of_a_task = co_await errors_of(TaskGroup::run(limited_task));
    EXPECT_EQ(of_a_task, "group: timeout");
    const auto cancelled_in_time = [&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "child"));
      co_await timeout(1h, [] { return sleep(2h); });
    };
    const std::string of_both = co_await errors_of(TaskGroup::run(cancelled_in_time));
    EXPECT_EQ(of_both, "group: child");
    EXPECT_EQ(current_task()->cancelling(), 0u);
  });
}

TEST(Step4_TaskGroup, TheCancellationOfTheBodyGoesThroughWhatItAwaits) {  // AIO-70
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "child"));
      co_await gather(logs(log, "a", 1h), wait_for(logs(log, "b", 1h), 2h), shield(logs(log, "c", 3s)));
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: child");
    EXPECT_EQ(log, (Log{"c begins", "a begins", "b begins", "a is cancelled", "b is cancelled"}));
    co_await sleep(5s);
    EXPECT_EQ(log.back(), "c ends");
  });
}

TEST(Step4_TaskGroup, TheFunctionLivesAsLongAsTheTasks) {  // AIO-69
  in_loop([]() -> Coro<> {
    std::atomic<int> alive = 0;
    const auto runs = [&]() -> Coro<> {
      const auto counted = std::make_shared<Counted>(alive);
      const auto part = [counted](TaskGroup& group) -> Coro<> {
        const auto sleeps = [](const std::shared_ptr<Counted>& counted) -> Coro<> {
          co_await sleep(1s);
          EXPECT_EQ(counted.use_count(), 1);
        };
        group.create_task(sleeps(counted));
        co_return;
      };
      return TaskGroup::run(part);
    };
    Task<> task = create_task(runs());
    co_await passes(3);
    EXPECT_EQ(alive, 1) << "whoever wrote it has gone";
    co_await task;
    EXPECT_EQ(alive, 0);
  });
}

TEST(Step4_TaskGroup, NothingElseIsToldOfTheErrors) {  // AIO-70
  in_loop([]() -> Coro<> {
    const std::string error = co_await errors_of(TaskGroup::run([](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < 10; ++i) group.create_task(fail_after(1s, "child"));
      group.create_task(fails_to_go("last"));
      co_return;
    }));
    EXPECT_EQ(std::ranges::count(error, ','), 10);
    co_await passes(3);
  });
}

TEST(Step4_TaskGroup, ALoopMayGoWhileItWaits) {
  const auto runs = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(passes(1));
      group.create_task(alive_for(alive, 1h));
      co_await TaskGroup::run([&](TaskGroup& inner) -> Coro<> {
        inner.create_task(alive_for(alive, 1h));
        const Counted in_the_body(alive);
        co_await sleep(1h);
      });
    });
  };
  abandon(runs);
  const auto ends = [](std::atomic<int>& alive) -> Coro<> {
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(passes(1));
      group.create_task(alive_for(alive, 1h));
      co_return;
    });
  };
  abandon(ends);
}

TEST(Step4_TaskGroup, TwentyThousandTasksTakeNoStack) {
  in_loop([]() -> Coro<> {
    int ended = 0;
    const auto counts = [&]() -> Coro<> {
      co_await sleep(1s);
      ++ended;
    };
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < 20'000; ++i) group.create_task(counts());
      co_return;
    });
    EXPECT_EQ(ended, 20'000);
    const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < 20'000; ++i) group.create_task(counts());
      co_await passes(1);
      throw std::runtime_error("body");
    }));
    EXPECT_EQ(error, "group: body");
    EXPECT_EQ(ended, 20'000);
  });
}
