// Chapter 10, step 5: wait, pass by pass. What each program notes is what Python notes.

#include "turns.hpp"
#include "waiting.hpp"

#include <string>

using asyncio::ReturnWhen;
using asyncio::wait;

TEST(Step5_Waiting, WaitEndsInThePassInWhichPythonsEnds) {  // AIO-65
  const auto three = [](Turns& t, Coro<> second, ReturnWhen when) -> Coro<> {
    Task<> first = create_task(t.end(1)), other = create_task(std::move(second)),
           last = create_task(t.end(2));
    const auto found = co_await wait({.return_when = when}, first, other, last);
    t.note(std::to_string(found.done.size()));
    for (const Task<>& task : found.done) static_cast<void>(task.exception());
  };
  EXPECT_EQ(turns_of([&](Turns& t) { return three(t, t.end(1), ReturnWhen::all_completed); }),
            "0 1 end1 end1 2 end2 3 4 3 on 5");
  EXPECT_EQ(turns_of([&](Turns& t) { return three(t, t.end(1), ReturnWhen::first_completed); }),
            "0 1 end1 end1 2 end2 3 3 on 4 5");
  EXPECT_EQ(turns_of([&](Turns& t) { return three(t, t.fail(1), ReturnWhen::first_exception); }),
            "0 1 end1 fail1 2 end2 3 3 on 4 5");
}
