// Chapter 10, step 1: gather, pass by pass. What each program notes is what Python notes.

#include "gather.hpp"
#include "turns.hpp"

#include <string>
#include <utility>

using asyncio::gather;

TEST(Step1_Gather, WhoAwaitsItGoesOnWherePythonGoesOn) {  // AIO-53
  EXPECT_EQ(turns_of([](Turns& t) -> Coro<> { co_await gather(t.end(1), t.end(2)); }),
            "0 1 end1 2 end2 3 4 on 5");
  EXPECT_EQ(turns_of([](Turns& t) -> Coro<> { co_await gather(gather(t.end(0), t.end(1)), t.end(1)); }),
            "0 end0 1 end1 end1 2 3 4 on 5");
  EXPECT_EQ(turns_of([](Turns& t) -> Coro<> {
              co_await error_of(gather(t.end(0), t.fail(1), t.fail(1), t.end(3)));
            }),
            "0 end0 1 fail1 fail1 2 3 on end3 4 5");
  EXPECT_EQ(turns_of([](Turns& t) -> Coro<> {
              co_await gather({.return_exceptions = true}, t.fail(1), t.fail(1), t.end(2));
            }),
            "0 1 fail1 fail1 2 end2 3 4 on 5");
}

TEST(Step1_Gather, ItIsDoneBetweenTheCallbacksOfItsLastChild) {  // AIO-53
  const auto shared = [](Turns& t) -> Coro<> {
    Task<> child = create_task(t.end(2));
    child.add_done_callback([&t](const Future<>&) { t.note("before"); });
    auto all = gather(child, t.end(0));
    child.add_done_callback([&t, all](const Future<>&) { t.note(all.done() ? "done" : "pending"); });
    all.add_done_callback([&t](const auto&) { t.note("all"); });
    co_await all;
  };
  EXPECT_EQ(turns_of(shared), "0 end0 1 2 end2 3 before done 4 all on 5");
}
