// Chapter 10, step 4: TaskGroup, pass by pass. What each program notes is what Python notes.

#include "task_group.hpp"
#include "turns.hpp"

#include <string>

using asyncio::TaskGroup;

TEST(Step4_TaskGroup, ItEndsInThePassInWhichPythonsEnds) {  // AIO-71
  EXPECT_EQ(turns_of([](Turns& t) -> Coro<> {
              const auto two = [&](TaskGroup& group) -> Coro<> {
                group.create_task(t.end(1));
                group.create_task(t.end(2));
                co_return;
              };
              co_await TaskGroup::run(two);
            }),
            "0 1 end1 2 end2 3 4 on 5");
  EXPECT_EQ(turns_of([](Turns& t) -> Coro<> {
              const auto failing = [&](TaskGroup& group) -> Coro<> {
                group.create_task(t.fail(1));
                group.create_task(t.fail(1));
                group.create_task(t.end(3));
                co_return;
              };
              co_await error_of(TaskGroup::run(failing));
            }),
            "0 1 fail1 fail1 2 3 4 on 5");
}
