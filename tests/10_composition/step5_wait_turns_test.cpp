// Chapter 10, step 5: wait and as_completed, pass by pass. What each program notes is what Python notes.

#include "completion_order.hpp"
#include "turns.hpp"
#include "waiting.hpp"

#include <string>
#include <utility>
#include <vector>

using asyncio::as_completed;
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

TEST(Step5_Waiting, WhoIsCancelledWhenItsResultHasGoneLeavesTheOthersInTheirOrder) {  // AIO-68
  in_loop([]() -> Coro<> {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 4; ++i) futures.push_back(get_running_loop().create_future<int>());
    std::string order;
    const auto reads = [&](char name, Coro<int> next) -> Coro<> {
      co_await std::move(next);
      order += name;
    };
    std::vector<Coro<int>> nexts;
    for (auto next : as_completed(futures)) nexts.push_back(std::move(next));
    std::vector<Task<>> readers;
    for (int i = 0; i < 3; ++i) readers.push_back(create_task(reads("abc"[i], std::move(nexts[i]))));
    co_await passes(2);
    // a is woken, d comes before its turn, and then a is cancelled.
    futures[0].set_result(0);
    readers.push_back(create_task(reads('d', std::move(nexts[3]))));
    co_await passes(1);
    EXPECT_TRUE(readers[0].cancel());
    for (int i = 1; i < 3; ++i) {
      co_await passes(5);
      futures[i].set_result(i);
    }
    co_await passes(5);
    std::erase(order, 'd');
    EXPECT_EQ(order, "bc") << "b was woken for nothing, and lost its place";
  });
}
