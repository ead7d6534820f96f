// Chapter 10, step 2: shield.

#include "awkward_results.hpp"
#include "gather.hpp"
#include "leaks.hpp"
#include "many_tasks.hpp"
#include "shield.hpp"
#include "support.hpp"

using asyncio::gather;
using asyncio::shield;

TEST(Step2_Shield, WhatTheInnerOneEndsWithPassesThrough) {  // AIO-60
  in_loop([]() -> Coro<> {
    const int number = co_await shield(after(1s, 1));
    EXPECT_EQ(number, 1);
    const std::string text = co_await shield(after(1s, std::string("two")));
    EXPECT_EQ(text, "two");
    co_await shield(sleep(1s));
    const std::unique_ptr<int> owner = co_await shield(after(1s, std::make_unique<int>(4)));
    EXPECT_EQ(*owner, 4);
    Task<int&> reference = create_task(reference_after(1s));
    int& same = co_await shield(reference);
    EXPECT_EQ(&same, &shared_number);
    EXPECT_EQ(now(), 5s);
    const std::string error = co_await error_of(shield(fail_after(1s, "inner")));
    EXPECT_EQ(error, "inner");
  });
}

TEST(Step2_Shield, TheResultStaysWithTheInnerOneToo) {  // AIO-60
  in_loop([]() -> Coro<> {
    Task<std::string> task = create_task(after(1s, std::string("a text that is too long to stay in place")));
    const std::string shielded = co_await shield(task);
    const std::string own = co_await task;
    EXPECT_EQ(shielded, "a text that is too long to stay in place");
    EXPECT_EQ(own, shielded);
    Task<> fails = create_task(fail_after(1s, "inner"));
    const std::string through = co_await error_of(shield(fails));
    EXPECT_EQ(through, what(fails.exception()));
  });
}

TEST(Step2_Shield, ItTakesAsManyPassesAsInPython) {  // AIO-60
  in_loop([]() -> Coro<> {
    Log log;
    Task<> counter = create_task(count_passes(log, 6));
    co_await shield(passes(1));
    log.push_back("shielded");
    co_await counter;
    EXPECT_EQ(log, (Log{"1", "2", "3", "shielded", "4", "5", "6"}));
  });
}

TEST(Step2_Shield, WhoAwaitsItIsCancelledAndTheInnerOneRunsOn) {  // AIO-59
  in_loop([]() -> Coro<> {
    Log log;
    Task<> inner = create_task(logs(log, "inner", 3s));
    const auto awaits = [&]() -> Coro<> { co_await shield(inner); };
    Task<> outer = create_task(awaits());
    co_await sleep(1s);
    EXPECT_TRUE(outer.cancel());
    const std::string error = co_await error_of(outer);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(outer.cancelled());
    EXPECT_EQ(now(), 1s);
    EXPECT_FALSE(inner.done());
    EXPECT_EQ(inner.cancelling(), 0u);
    co_await inner;
    EXPECT_EQ(log, (Log{"inner begins", "inner ends"}));
  });
}

TEST(Step2_Shield, TheFutureItselfMayBeCancelled) {  // AIO-59
  in_loop([]() -> Coro<> {
    Future<int> inner = get_running_loop().create_future<int>();
    Future<int> outer = shield(inner);
    EXPECT_FALSE(outer == inner);
    EXPECT_TRUE(outer.cancel());
    EXPECT_TRUE(outer.cancelled());
    EXPECT_FALSE(outer.cancel());
    co_await passes(3);
    EXPECT_FALSE(inner.done());
    inner.set_result(1);
    co_await passes(3);
    EXPECT_TRUE(outer.cancelled());
    EXPECT_EQ(inner.result(), 1);
  });
}

TEST(Step2_Shield, TheLoopKeepsWhatRuns) {  // AIO-59
  in_loop([]() -> Coro<> {
    Log log;
    const auto awaits = [&]() -> Coro<> { co_await shield(logs(log, "inner", 3s)); };
    Task<> outer = create_task(awaits());
    co_await sleep(1s);
    outer.cancel();
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"inner begins", "inner ends"})) << "although nobody has a handle of it";
  });
}

TEST(Step2_Shield, TheInnerOnesCancellationIsPassedOn) {  // AIO-60
  in_loop([]() -> Coro<> {
    Task<int> inner = create_task(after(1h, 1));
    Future<int> outer = shield(inner);
    co_await sleep(1s);
    inner.cancel();
    const std::string error = co_await error_of(outer);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(outer.cancelled());
    EXPECT_EQ(now(), 1s);
  });
}

TEST(Step2_Shield, WhatIsDoneIsReturnedAsItIs) {  // AIO-60
  in_loop([]() -> Coro<> {
    Future<int> inner = get_running_loop().create_future<int>();
    inner.set_result(1);
    EXPECT_TRUE(shield(inner) == inner);
    Task<int> task = create_task(after(1h, 1));
    task.cancel();
    co_await passes(2);
    EXPECT_TRUE(shield(task) == task);
  });
}

TEST(Step2_Shield, AnErrorAfterTheOuterOneWasCancelledIsReportedOnce) {  // AIO-60
  Log reports;
  in_loop(reports, [&]() -> Coro<> {
    const auto awaits = []() -> Coro<> { co_await shield(fail_after(3s, "too late")); };
    Task<> outer = create_task(awaits());
    co_await sleep(1s);
    outer.cancel();
    co_await sleep(5s);
    EXPECT_EQ(reports, (Log{"Task exception was never retrieved too late"}));
    // Not if somebody looks at it.
    Task<> inner = create_task(fail_after(1s, "seen"));
    Future<> shielded = shield(inner);
    shielded.cancel();
    const std::string error = co_await error_of(inner);
    EXPECT_EQ(error, "seen");
  });
  EXPECT_EQ(reports.size(), 1u);
}

TEST(Step2_Shield, AnErrorThatNobodyLooksAtIsReportedOnce) {  // AIO-60
  Log reports;
  in_loop(reports, []() -> Coro<> {
    { const auto dropped = shield(fail_after(1s, "lost")); }
    co_await sleep(5s);
  });
  EXPECT_EQ(reports, (Log{"Future exception was never retrieved lost"}));
}

TEST(Step2_Shield, GatherAndShieldGoTogether) {  // AIO-59
  in_loop([]() -> Coro<> {
    Log log;
    auto all = gather(shield(logs(log, "a", 3s)), logs(log, "b", 3s));
    co_await sleep(1s);
    all.cancel();
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"a begins", "b begins", "b is cancelled", "a ends"}));
    log.clear();
    auto shielded = shield(gather(logs(log, "a", 3s), logs(log, "b", 3s)));
    co_await sleep(1s);
    shielded.cancel();
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"a begins", "b begins", "a ends", "b ends"}));
  });
}

TEST(Step2_Shield, ACopyThatThrowsIsItsError) {
  in_loop([]() -> Coro<> {
    Task<NoCopies> task = create_task(no_copies());
    const std::string error = co_await error_of(shield(task));
    EXPECT_EQ(error, "no copies");
  });
}

TEST(Step2_Shield, ALoopMayGoWhileItWaits) {
  const auto shields = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await shield(passes(1));
    co_await shield(alive_for(alive, 1h));
  };
  abandon(shields);
}

TEST(Step2_Shield, OneThatIsCancelledLeavesNothingWithTheInnerOne) {  // AIO-60
  in_loop([]() -> Coro<> {
    Future<int> inner = get_running_loop().create_future<int>();
    for (int i = 0; i < 100; ++i) shield(inner).cancel();
    co_await passes(2);
    inner.set_result(1);
    const std::ptrdiff_t calls = co_await callbacks_in(passes(3));
    EXPECT_LT(calls, 50) << "a hundred that were cancelled are told of the end";
  });
}

TEST(Step2_Shield, WhatHasFailedIsReturnedAsItIsAndNobodyHasLookedAtIt) {  // AIO-60
  Log reports;
  in_loop(reports, [&]() -> Coro<> {
    {
      Task<> failed = create_task(fail_after(0s, "it failed"));
      co_await passes(3);
      EXPECT_TRUE(shield(failed) == failed);
    }
    EXPECT_EQ(reports, (Log{"Task exception was never retrieved it failed"}));
  });
}

TEST(Step2_Shield, WhoCancelsItBeforeTheEndOfTheInnerOneArrivesHasCancelledIt) {  // AIO-60
  Log reports;
  in_loop(reports, [&]() -> Coro<> {
    Future<int> inner = get_running_loop().create_future<int>();
    Future<int> outer = shield(inner);
    inner.set_result(1);
    EXPECT_FALSE(outer.done());
    EXPECT_TRUE(outer.cancel());
    co_await passes(3);
    EXPECT_TRUE(outer.cancelled());
    EXPECT_EQ(reports, Log()) << "nothing more is done with it";
    {
      Future<int> failing = get_running_loop().create_future<int>();
      Future<int> cancelled = shield(failing);
      failing.set_exception(error("too late"));
      EXPECT_TRUE(cancelled.cancel());
      co_await passes(3);
    }
    EXPECT_EQ(reports, (Log{"Future exception was never retrieved too late"})) << "nobody has looked at it";
  });
}

TEST(Step2_Shield, AnInnerFutureThatNobodyElseHoldsGoes) {
  in_loop([]() -> Coro<> {
    const auto owned = std::make_shared<int>(1);
    const auto future = [&] {
      Future<int> inner = get_running_loop().create_future<int>();
      inner.add_done_callback([owned](const Future<int>&) {});
      return inner;
    };
    {
      const Future<int> shielded = shield(future());
      EXPECT_EQ(owned.use_count(), 1) << "the shield keeps it";
      EXPECT_FALSE(shielded.done());
      co_await passes(2);
      EXPECT_TRUE(Future<int>(shielded).cancel()) << "it is pending still, and nobody listens";
    }
    Future<int> held = future();
    { const Future<int> dropped = shield(held); }
    EXPECT_EQ(owned.use_count(), 2);
    held = future();
    EXPECT_EQ(owned.use_count(), 2) << "the one before has gone";
  });
}
