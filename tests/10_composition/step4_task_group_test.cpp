// Chapter 10, step 4: exceptions in groups, and groups of tasks that end or fail.

#include "awkward_results.hpp"
#include "exception_group.hpp"
#include "exception_groups.hpp"
#include "support.hpp"
#include "task_group.hpp"

#include <functional>
#include <optional>

using asyncio::ExceptionGroup;
using asyncio::TaskGroup;
using course::AtEnd;

TEST(Step4_TaskGroup, AGroupOfExceptionsSaysHowManyThereAre) {  // AIO-70
  const ExceptionGroup two("two of them", {error("a"), error("b")});
  EXPECT_STREQ(two.what(), "two of them (2 sub-exceptions)");
  EXPECT_EQ(two.message(), "two of them");
  EXPECT_EQ(list(two), "a, b");
  EXPECT_STREQ(ExceptionGroup("one", {error("a")}).what(), "one (1 sub-exception)");
  EXPECT_THROW(ExceptionGroup("none", {}), std::invalid_argument);
  EXPECT_THROW(ExceptionGroup("null", {error("a"), nullptr}), std::invalid_argument);
  const auto [all, none] = two.split<std::runtime_error>();
  EXPECT_STREQ(all.value().what(), two.what());
  EXPECT_FALSE(none);
}

TEST(Step4_TaskGroup, SplitTellsTheExceptionsThatAreOfAType) {  // AIO-70
  const ExceptionGroup group("mixed", {error<std::logic_error>("a"), error("b"), std::make_exception_ptr(3),
                                       error<std::out_of_range>("c"), error("d")});
  const auto [logic, others] = group.split<std::logic_error>();
  EXPECT_EQ(list(logic.value()), "a, c") << "what derives from it is one, too";
  EXPECT_EQ(list(others.value()), "b, 3, d");
  EXPECT_EQ(logic->exceptions()[0], group.exceptions()[0]) << "the very same exceptions";
  EXPECT_EQ(others->message(), "mixed");
  const auto [numbers, rest] = group.split<int>();
  EXPECT_EQ(list(numbers.value()), "3");
  EXPECT_EQ(list(rest.value()), "a, b, c, d");
  const auto [none, everything] = group.split<TimeoutError>();
  EXPECT_FALSE(none);
  EXPECT_EQ(list(everything.value()), list(group));
}

TEST(Step4_TaskGroup, SplitGoesIntoTheGroupsInside) {  // AIO-74
  const ExceptionGroup innermost("innermost", {error<std::logic_error>("d"), error("e")});
  const ExceptionGroup inner("inner", {error("b"), std::make_exception_ptr(innermost)});
  const ExceptionGroup only("only", {error<std::logic_error>("f")});
  const ExceptionGroup group("outer", {error<std::logic_error>("a"), std::make_exception_ptr(inner),
                                       std::make_exception_ptr(only), error("g")});
  const auto [logic, others] = group.split<std::logic_error>();
  EXPECT_EQ(list(logic.value()), "a, ((d)), (f)");
  EXPECT_EQ(list(others.value()), "(b, (e)), g") << "with the same groups inside, but for empty ones";
  const auto [all, none] = group.split<std::exception>();
  EXPECT_EQ(list(all.value()), list(group)) << "a group is a std::exception";
  EXPECT_FALSE(none);
  const auto [groups, no_groups] = group.split<ExceptionGroup>();
  EXPECT_EQ(list(groups.value()), list(group)) << "it is one itself";
  EXPECT_FALSE(no_groups);
}

TEST(Step4_TaskGroup, ItEndsWhenAllTasksHave) {  // AIO-69
  in_loop([]() -> Coro<> {
    Log log;
    std::optional<Task<int>> result;
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(logs(log, "a", 3s));
      group.create_task(logs(log, "b", 1s), {.name = "b"});
      result = group.create_task(after(2s, 2));
      log.push_back("body ends");
      co_return;
    });
    EXPECT_EQ(log, (Log{"body ends", "a begins", "b begins", "b ends", "a ends"}));
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(result->result(), 2);
    EXPECT_EQ(all_tasks().size(), 1u);
  });
}

TEST(Step4_TaskGroup, ItGivesWhatThePartReturns) {  // AIO-69
  in_loop([]() -> Coro<> {
    const int number = co_await TaskGroup::run([](TaskGroup& group) -> Coro<int> {
      Task<int> task = group.create_task(after(1s, 1));
      group.create_task(sleep(5s));
      co_return co_await task + 1;
    });
    EXPECT_EQ(number, 2);
    EXPECT_EQ(now(), 5s) << "not before the last task has ended";
    const std::unique_ptr<int> owner =
        co_await TaskGroup::run([](TaskGroup&) { return after(1s, std::make_unique<int>(4)); });
    EXPECT_EQ(*owner, 4);
    const std::string text = co_await TaskGroup::run([] { return after(1s, std::string("text")); });
    EXPECT_EQ(text, "text");
    int& reference = co_await TaskGroup::run([](TaskGroup& group) -> Coro<int&> {
      group.create_task(passes(1));
      co_return co_await reference_after(1s);
    });
    EXPECT_EQ(&reference, &shared_number);
    const std::string error = co_await errors_of(TaskGroup::run([](TaskGroup& group) -> Coro<int> {
      group.create_task(fail_after(1s, "child"));
      co_return 1;
    }));
    EXPECT_EQ(error, "group: child") << "a value does not hide an error";
  });
}

TEST(Step4_TaskGroup, ItTakesAsManyPassesAsInPython) {  // AIO-69
  in_loop([]() -> Coro<> {
    Log log;
    Task<> counter = create_task(count_passes(log, 8));
    co_await TaskGroup::run([&](TaskGroup&) -> Coro<> { co_return; });
    log.push_back("empty");
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(passes(1));
      group.create_task(passes(2));
      log.push_back("body");
      co_return;
    });
    log.push_back("left");
    co_await counter;
    EXPECT_EQ(log, (Log{"empty", "body", "1", "2", "3", "4", "left", "5", "6", "7", "8"}));
    log.clear();
    counter = create_task(count_passes(log, 8));
    const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      const auto fails = []() -> Coro<> {
        co_await passes(1);
        throw std::runtime_error("child");
      };
      const auto says = [&](std::string name) -> Coro<> {
        const AtEnd at_end([&log, name] { log.push_back(name); });
        co_await passes(100);
      };
      group.create_task(fails());
      group.create_task(says("cancelled"));
      co_await says("body cancelled");
    }));
    log.push_back(error);
    co_await counter;
    EXPECT_EQ(log,
              (Log{"1", "2", "cancelled", "body cancelled", "3", "4", "group: child", "5", "6", "7", "8"}));
  });
}

TEST(Step4_TaskGroup, TasksMayMakeTasksHoweverLate) {  // AIO-69
  in_loop([]() -> Coro<> {
    Log log;
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      const std::function<Coro<>(int)> child = [&](int depth) -> Coro<> {
        co_await sleep(1s);
        log.push_back(std::to_string(depth));
        if (depth < 4) group.create_task(child(depth + 1));
      };
      group.create_task(child(1));
      co_await sleep(500ms);
      // `child` must live as long as the tasks.
      while (log.size() < 4) co_await sleep(500ms);
    });
    EXPECT_EQ(log, (Log{"1", "2", "3", "4"}));
    log.clear();
    TaskGroup* group = nullptr;
    const std::function<Coro<>(int)> late = [&](int depth) -> Coro<> {
      co_await sleep(1s);
      log.push_back(std::to_string(depth));
      if (depth < 3) group->create_task(late(depth + 1));
    };
    const Duration begin = now();
    co_await TaskGroup::run([&](TaskGroup& running) -> Coro<> {
      group = &running;
      running.create_task(late(1));
      co_return;
    });
    EXPECT_EQ(log, (Log{"1", "2", "3"}));
    EXPECT_EQ(now() - begin, 3s) << "the part ended long before";
  });
}

TEST(Step4_TaskGroup, WhenOneFailsAllOthersAreCancelledAndThePartToo) {  // AIO-70
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](TaskGroup& group) -> Coro<> {
      group.create_task(logs(log, "a", 1h));
      group.create_task(fail_after(1s, "child"));
      group.create_task(slow_to_go(log, 2s));
      co_await logs(log, "body", 1h);
      log.push_back("the body goes on");
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: child");
    EXPECT_EQ(now(), 3s) << "all have ended";
    EXPECT_EQ(log, (Log{"body begins", "a begins", "a is cancelled", "it is cancelled", "body is cancelled",
                        "it is gone"}));
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

TEST(Step4_TaskGroup, WhatTheGroupSaysIsOfPython) {  // AIO-70
  in_loop([]() -> Coro<> {
    try {
      co_await TaskGroup::run([](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "a"));
        group.create_task(fail_after(1s, "b"));
        co_return;
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::exception& error) {
      EXPECT_STREQ(error.what(), "unhandled errors in a TaskGroup (2 sub-exceptions)");
    }
  });
}

TEST(Step4_TaskGroup, AllErrorsAreThere) {  // AIO-70
  in_loop([]() -> Coro<> {
    const auto part = [](TaskGroup& group) -> Coro<> {
      const auto throws = [](int number) -> Coro<> {
        co_await sleep(1s);
        throw number;
      };
      group.create_task(fails_to_go("a"));
      group.create_task(fail_after(1s, "b"));
      group.create_task(throws(3));
      group.create_task(sleep(1h));
      group.create_task(fails_to_go("d"));
      co_return;
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: b, 3, a, d") << "in the order in which they came";
    EXPECT_EQ(now(), 1s);
  });
}

TEST(Step4_TaskGroup, ATaskThatIsCancelledIsNoError) {  // AIO-70
  in_loop([]() -> Coro<> {
    Log log;
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      Task<> task = group.create_task(logs(log, "a", 1h));
      group.create_task(logs(log, "b", 2s));
      co_await sleep(1s);
      task.cancel();
      const std::string error = co_await error_of(task);
      EXPECT_EQ(error, "cancelled");
      Task<> later = group.create_task(logs(log, "c", 1s));
      co_await later;
    });
    EXPECT_EQ(log, (Log{"a begins", "b begins", "a is cancelled", "c begins", "b ends", "c ends"}));
    EXPECT_EQ(now(), 2s);
    co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      Task<> last = group.create_task(logs(log, "d", 1h));
      co_await sleep(1s);
      last.cancel();
    });
    EXPECT_EQ(now(), 3s) << "nor if it is the last";
  });
}

TEST(Step4_TaskGroup, WhenThePartFailsItsTasksAreCancelled) {  // AIO-71
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](TaskGroup& group) -> Coro<> {
      group.create_task(slow_to_go(log, 2s));
      group.create_task(fails_to_go("child"));
      co_await sleep(1s);
      throw std::logic_error("body");
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "group: child, body") << "the body's error comes last";
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(current_task()->cancelling(), 0u);
    const std::string number = co_await errors_of(TaskGroup::run([](TaskGroup& group) -> Coro<int> {
      group.create_task(sleep(1h));
      co_await passes(1);
      throw 7;
    }));
    EXPECT_EQ(number, "group: 7");
    const std::string alone = co_await errors_of(TaskGroup::run([] { return fail_after(1s, "alone"); }));
    EXPECT_EQ(alone, "group: alone");
    const std::string both = co_await errors_of(TaskGroup::run([](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "child"));
      co_await fails_to_go("body");
    }));
    EXPECT_EQ(both, "group: child, body");
  });
}

TEST(Step4_TaskGroup, APartThatThrowsACancelledErrorIsCancelled) {  // AIO-71
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](TaskGroup& group) -> Coro<> {
      group.create_task(slow_to_go(log, 1s));
      co_await passes(2);
      throw CancelledError();
    };
    const std::string error = co_await errors_of(TaskGroup::run(part));
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(current_task()->cancelling(), 0u);
  });
}

TEST(Step4_TaskGroup, WhoFailsBeforeThePartAwaitsItFailsTwice) {  // AIO-71
  in_loop([]() -> Coro<> {
    const auto awaits_too_late = [](TaskGroup& group) -> Coro<> {
      Task<> task = group.create_task(fail_after(0s, "child"));
      for (int i = 0; i < 5 && !task.done(); ++i) co_await sleep(0s);
      co_await task;
    };
    const std::string twice = co_await errors_of(TaskGroup::run(awaits_too_late));
    EXPECT_EQ(twice, "group: child, child") << "as a task's error, and as the body's";
    const auto awaits_in_time = [](TaskGroup& group) -> Coro<> {
      co_await group.create_task(fail_after(1s, "child"));
    };
    const std::string once = co_await errors_of(TaskGroup::run(awaits_in_time));
    EXPECT_EQ(once, "group: child") << "the body was cancelled before it could see that";
    EXPECT_EQ(current_task()->cancelling(), 0u);
  });
}

TEST(Step4_TaskGroup, SplitLeavesAGroupWholeThatIsItselfOfTheType) {  // AIO-74
  const ExceptionGroup inner("inner", {std::make_exception_ptr(3), error("a")});
  const ExceptionGroup group("outer", {std::make_exception_ptr(inner), std::make_exception_ptr(4)});
  const auto [all, rest] = group.split<std::exception>();
  EXPECT_EQ(list(all.value()), "(3, a)") << "the group inside is a std::exception, whatever is in it";
  EXPECT_EQ(all->exceptions()[0], group.exceptions()[0]) << "the very same";
  EXPECT_EQ(list(rest.value()), "4");
}

TEST(Step4_TaskGroup, SplitKeepsTheMessagesOfTheGroupsInside) {  // AIO-74
  const ExceptionGroup inner("inner", {error<std::logic_error>("a"), error("b")});
  const ExceptionGroup group("outer", {std::make_exception_ptr(inner)});
  const auto [logic, others] = group.split<std::logic_error>();
  for (const ExceptionGroup& half : {logic.value(), others.value()}) {
    EXPECT_EQ(half.message(), "outer");
    try {
      std::rethrow_exception(half.exceptions()[0]);
    } catch (const ExceptionGroup& inside) {
      EXPECT_EQ(inside.message(), "inner");
    } catch (...) {
      ADD_FAILURE() << "the group inside has gone";
    }
  }
}
