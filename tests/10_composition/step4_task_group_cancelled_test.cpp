// Chapter 10, step 4: groups of tasks that are cancelled from outside.

#include "exception_groups.hpp"
#include "leaks.hpp"
#include "support.hpp"
#include "task_group.hpp"

using asyncio::TaskGroup;

namespace {

/// Runs a group in a task, which it cancels after a second. @returns how that task ends
template <class Part>
Coro<std::string> cancel_after_a_second(Part part) {
  const auto runs = [&]() -> Coro<> { co_await TaskGroup::run(part); };
  Task<> task = create_task(runs());
  co_await sleep(1s);
  EXPECT_TRUE(task.cancel());
  const std::string error = co_await errors_of(task);
  EXPECT_EQ(task.cancelling(), 1u);
  co_return error;
}

}  // namespace

TEST(Step4_TaskGroup, CancelledFromOutsideItCancelsAndAwaitsItsTasks) {  // AIO-72
  in_loop([]() -> Coro<> {
    Log log;
    const auto in_the_body = [&](TaskGroup& group) -> Coro<> {
      group.create_task(slow_to_go(log, 2s));
      co_await logs(log, "body", 1h);
    };
    const std::string of_the_body = co_await cancel_after_a_second(in_the_body);
    EXPECT_EQ(of_the_body, "cancelled");
    EXPECT_EQ(log, (Log{"body begins", "body is cancelled", "it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 3s);
    log.clear();
    const auto at_the_end = [&](TaskGroup& group) -> Coro<> {
      group.create_task(slow_to_go(log, 2s));
      co_return;
    };
    const std::string of_the_end = co_await cancel_after_a_second(at_the_end);
    EXPECT_EQ(of_the_end, "cancelled");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 6s);
    log.clear();
    const auto in_a_task_of_the_group = [&](TaskGroup& group) -> Coro<> {
      co_await group.create_task(slow_to_go(log, 2s));
    };
    const std::string of_the_task = co_await cancel_after_a_second(in_a_task_of_the_group);
    EXPECT_EQ(of_the_task, "cancelled");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
  });
}

TEST(Step4_TaskGroup, ARealErrorWinsAgainstACancellation) {  // AIO-72
  in_loop([]() -> Coro<> {
    const auto in_the_body = [](TaskGroup& group) -> Coro<> {
      group.create_task(fails_to_go("child"));
      co_await sleep(1h);
    };
    const std::string of_the_body = co_await cancel_after_a_second(in_the_body);
    EXPECT_EQ(of_the_body, "group: child");
    const auto at_the_end = [](TaskGroup& group) -> Coro<> {
      group.create_task(fails_to_go("child"));
      co_return;
    };
    const std::string of_the_end = co_await cancel_after_a_second(at_the_end);
    EXPECT_EQ(of_the_end, "group: child");
    const auto of_its_own = [](TaskGroup& group) -> Coro<> {
      group.create_task(sleep(1h));
      co_await fails_to_go("body");
    };
    const std::string of_the_part = co_await cancel_after_a_second(of_its_own);
    EXPECT_EQ(of_the_part, "group: body");
  });
}

TEST(Step4_TaskGroup, ItStandsSeveralCancellations) {  // AIO-72
  in_loop([]() -> Coro<> {
    Log log;
    const auto runs = [&]() -> Coro<> {
      co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        group.create_task(slow_to_go(log, 5s));
        co_return;
      });
    };
    Task<> task = create_task(runs());
    for (int i = 0; i < 3; ++i) {
      co_await sleep(1s);
      EXPECT_TRUE(task.cancel());
    }
    const std::string error = co_await errors_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(task.cancelling(), 3u);
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"})) << "its tasks are cancelled once";
    EXPECT_EQ(now(), 6s);
  });
}

TEST(Step4_TaskGroup, ItMayBeCancelledAtAnyTime) {  // AIO-72
  in_loop([]() -> Coro<> {
    const auto runs = [](std::atomic<int>& alive) -> Coro<> {
      co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        const auto late = [](TaskGroup& group, std::atomic<int>& alive) -> Coro<> {
          co_await alive_passes(alive, 2);
          group.create_task(alive_passes(alive, 3));
        };
        group.create_task(alive_passes(alive, 2));
        group.create_task(late(group, alive));
        co_await alive_passes(alive, 1);
        co_await TaskGroup::run([&](TaskGroup& inner) -> Coro<> {
          Task<> task = inner.create_task(alive_passes(alive, 1));
          inner.create_task(alive_passes(alive, 2));
          co_await task;
        });
      });
    };
    const int times = co_await cancel_at_every_pass(runs);
    EXPECT_GT(times, 5);
  });
}

TEST(Step4_TaskGroup, ACancellationOfSomebodyElseIsNotLostOnAnError) {  // AIO-73
  in_loop([]() -> Coro<> {
    Log log;
    const auto runs = [&]() -> Coro<> {
      const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        group.create_task(fail_after(1s, "child"));
        group.create_task(slow_to_go(log, 5s));
        co_await sleep(1h);
      }));
      log.push_back(error + " " + std::to_string(current_task()->cancelling()));
      const std::string next = co_await error_of(sleep(1s));
      log.push_back(next + " " + std::to_string(current_task()->cancelling()));
      co_await sleep(1s);
      log.push_back("goes on");
    };
    Task<> task = create_task(runs());
    co_await sleep(3s);
    task.cancel();
    co_await task;
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone", "group: child 1", "cancelled 1", "goes on"}))
        << "it arrives at the next co_await";
    log.clear();
    Task<> at_once = create_task(runs());
    co_await sleep(1s);
    at_once.cancel();
    co_await at_once;
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone", "group: child 1", "cancelled 1", "goes on"}))
        << "in the pass in which the child fails, too";
    // Nobody else has cancelled this one.
    const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
      group.create_task(fail_after(1s, "child"));
      co_await sleep(1h);
    }));
    EXPECT_EQ(error, "group: child");
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

TEST(Step4_TaskGroup, RequestsFromBeforeStay) {  // AIO-73
  in_loop([]() -> Coro<> {
    const auto runs = [&]() -> Coro<> {
      const std::string caught = co_await error_of(sleep(1h));
      EXPECT_EQ(caught, "cancelled");
      co_await TaskGroup::run([](TaskGroup& group) -> Coro<> {
        group.create_task(sleep(1s));
        co_return;
      });
      EXPECT_EQ(current_task()->cancelling(), 1u);
    };
    Task<> task = create_task(runs());
    co_await sleep(1s);
    task.cancel();
    co_await task;
    EXPECT_EQ(now(), 2s);
  });
}

TEST(Step4_TaskGroup, WhoCancelsWhileItCleansUpAfterAFailedPartIsNotForgotten) {  // AIO-73
  in_loop([]() -> Coro<> {
    Log log;
    const auto runs = [&]() -> Coro<> {
      const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
        group.create_task(slow_to_go(log, 5s));
        co_await passes(2);
        throw std::runtime_error("part");
      }));
      log.push_back(error + " " + std::to_string(current_task()->cancelling()));
      const std::string next = co_await error_of(sleep(1s));
      log.push_back(next + " " + std::to_string(current_task()->cancelling()));
    };
    Task<> task = create_task(runs());
    co_await sleep(2s);
    EXPECT_TRUE(task.cancel());
    co_await task;
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone", "group: part 1", "cancelled 1"}))
        << "the part's error wins, and the request arrives at the next co_await";
  });
}

TEST(Step4_TaskGroup, WhoCancelsItBeforeATaskFailsIsNotForgotten) {  // AIO-73
  in_loop([]() -> Coro<> {
    for (const bool part_waits : {true, false}) {
      Log log;
      const auto runs = [&]() -> Coro<> {
        const std::string error = co_await errors_of(TaskGroup::run([&](TaskGroup& group) -> Coro<> {
          group.create_task(fails_to_go("child"));
          if (part_waits) co_await sleep(1h);
        }));
        log.push_back(error + " " + std::to_string(current_task()->cancelling()));
        const std::string next = co_await error_of(sleep(1s));
        log.push_back(next + " " + std::to_string(current_task()->cancelling()));
      };
      Task<> task = create_task(runs());
      co_await sleep(1s);
      EXPECT_TRUE(task.cancel());
      co_await task;
      EXPECT_EQ(log, (Log{"group: child 1", "cancelled 1"}))
          << "a task has failed while it cleaned up: the request arrives at the next co_await";
    }
  });
}
