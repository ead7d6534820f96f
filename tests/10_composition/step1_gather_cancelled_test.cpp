// Chapter 10, step 1: a gather that is cancelled, or whose children are.

#include "stack.hpp"
#include "awkward_results.hpp"
#include "gather.hpp"
#include "leaks.hpp"
#include "support.hpp"

#include <optional>
#include <algorithm>
#include <cstddef>
#include <tuple>
#include <vector>

using asyncio::gather;

TEST(Step1_Gather, ToCancelItCancelsAllChildren) {  // AIO-56
  in_loop([]() -> Coro<> {
    Log log;
    auto all = gather(logs(log, "a", 3s), logs(log, "b", 1s), logs(log, "c", 5s));
    co_await sleep(2s);
    EXPECT_FALSE(all.done());
    EXPECT_TRUE(all.cancel());
    EXPECT_FALSE(all.done()) << "not before its children are";
    EXPECT_EQ(log, (Log{"a begins", "b begins", "c begins", "b ends"}));
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(log, (Log{"a begins", "b begins", "c begins", "b ends", "a is cancelled", "c is cancelled"}));
    EXPECT_EQ(now(), 2s);
    EXPECT_FALSE(all.cancelled()) << "it has failed with a CancelledError";
    EXPECT_EQ(what(all.exception()), "cancelled");
  });
}

TEST(Step1_Gather, WhoAwaitsItIsCancelledThroughIt) {  // AIO-56
  in_loop([]() -> Coro<> {
    Log log;
    const auto gathers = [&]() -> Coro<> {
      co_await gather(logs(log, "a", 1h), gather(logs(log, "b", 1h), logs(log, "c", 1h)));
    };
    Task<> task = create_task(gathers());
    co_await sleep(1s);
    EXPECT_TRUE(task.cancel());
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(
        log, (Log{"b begins", "c begins", "a begins", "a is cancelled", "b is cancelled", "c is cancelled"}));
  });
}

TEST(Step1_Gather, ItMayBeCancelledAtAnyTime) {  // AIO-56
  in_loop([]() -> Coro<> {
    const auto gathers = [](std::atomic<int>& alive) -> Coro<> {
      co_await gather(alive_passes(alive, 2),
                      gather({.return_exceptions = true}, alive_passes(alive, 1), alive_passes(alive, 3)));
      std::vector<Coro<>> coros;
      for (int i = 1; i <= 3; ++i) coros.push_back(alive_passes(alive, i));
      co_await gather(std::move(coros));
    };
    const int times = co_await cancel_at_every_pass(gathers);
    EXPECT_GT(times, 10);
  });
}

TEST(Step1_Gather, ReturnExceptionsDoesNotSwallowACancellation) {  // AIO-56
  in_loop([]() -> Coro<> {
    Log log;
    const auto gathers = [&]() -> Coro<> {
      co_await gather({.return_exceptions = true}, slow_to_go(log, 2s, "a"), slow_to_go(log, 1s, "b"));
      log.push_back("gathered");
    };
    Task<> task = create_task(gathers());
    co_await sleep(1s);
    task.cancel();
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(log, (Log{"a is cancelled", "b is cancelled", "b is gone", "a is gone"}));
    EXPECT_EQ(now(), 3s) << "it waits for all of them";
  });
}

TEST(Step1_Gather, ACancelledOneEndsWithTheFirstChildThatIsCancelled) {  // AIO-56
  in_loop([]() -> Coro<> {
    Log log;
    auto all = gather(slow_to_go(log, 2s, "a"), slow_to_go(log, 1s, "b"));
    co_await sleep(1s);
    all.cancel();
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(now(), 2s) << "as any other error, it comes out at once";
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"a is cancelled", "b is cancelled", "b is gone", "a is gone"}));
  });
}

TEST(Step1_Gather, ACancellationIsNotLostOnChildrenThatRefuseIt) {  // AIO-56
  in_loop([]() -> Coro<> {
    for (const bool return_exceptions : {false, true}) {
      auto all = gather({.return_exceptions = return_exceptions}, refuses(1), refuses(2, 1s));
      co_await passes(2);
      EXPECT_TRUE(all.cancel());
      const std::string error = co_await error_of(all);
      EXPECT_EQ(error, "cancelled") << "although all have a value";
    }
  });
}

TEST(Step1_Gather, CancelSaysNoOnceAllChildrenAreDone) {  // AIO-56
  in_loop([]() -> Coro<> {
    Future<int> child = get_running_loop().create_future<int>();
    auto all = gather(child);
    child.set_result(1);
    EXPECT_FALSE(all.done());
    EXPECT_FALSE(all.cancel()) << "it is as good as done";
    const std::tuple<int> result = co_await all;
    EXPECT_EQ(result, std::tuple(1));
    EXPECT_FALSE(all.cancel());
    EXPECT_EQ(all.result(), std::tuple(1));
  });
}

TEST(Step1_Gather, WhoIsCancelledAfterTheLastChildIsStillCancelled) {  // AIO-56
  in_loop([]() -> Coro<> {
    Future<int> child = get_running_loop().create_future<int>();
    Log log;
    const auto gathers = [&]() -> Coro<> {
      co_await gather(child);
      log.push_back("gathered");
    };
    Task<> task = create_task(gathers());
    co_await passes(2);
    child.set_result(1);
    EXPECT_TRUE(task.cancel());
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(log, Log());
  });
}

TEST(Step1_Gather, AChildThatIsCancelledIsAnErrorAndTheGatherIsNotCancelled) {  // AIO-57
  in_loop([]() -> Coro<> {
    Task<int> child = create_task(after(1h, 1));
    Task<int> sibling = create_task(after(3s, 3));
    auto all = gather(sibling, child);
    co_await sleep(1s);
    child.cancel();
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(all.done());
    EXPECT_FALSE(all.cancelled());
    EXPECT_EQ(what(all.exception()), "cancelled");
    EXPECT_EQ(now(), 1s);
    const int result = co_await sibling;
    EXPECT_EQ(result, 3);
  });
}

TEST(Step1_Gather, TheSameTaskTwiceRunsOnceAndCountsTwice) {  // AIO-58
  in_loop([]() -> Coro<> {
    int runs = 0;
    const auto count = [&]() -> Coro<int> {
      co_await sleep(1s);
      co_return ++runs;
    };
    Task<int> task = create_task(count());
    const auto [a, b, c] = co_await gather(task, after(2s, 5), task);
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, 5);
    EXPECT_EQ(c, 1);
    std::vector<Future<int>> same(3, task);
    const std::vector<int> numbers = co_await gather(same);
    EXPECT_EQ(numbers, (std::vector<int>{1, 1, 1}));
  });
}

TEST(Step1_Gather, FuturesOfDifferentLoopsAreRefused) {  // AIO-58
  const auto one = virtual_loop();
  const auto other = virtual_loop();
  Future<int> a = one->create_future<int>();
  Future<int> b = other->create_future<int>();
  EXPECT_THROW(static_cast<void>(gather(a, b)), std::invalid_argument);
  std::vector<Future<int>> both{a, b};
  EXPECT_THROW(static_cast<void>(gather(both)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(gather(both, {.return_exceptions = true})), std::invalid_argument);
  Log reports;
  listen(*one, reports);
  auto all = gather(a, a);
  a.set_result(1);
  run_passes(*one, 1);
  EXPECT_EQ(all.result(), std::tuple(1, 1)) << "no loop needs to run for futures";
}

TEST(Step1_Gather, CorosRunOnTheLoopOfTheFuturesOrOnTheRunningOne) {  // AIO-58
  const auto loop = virtual_loop();
  Log reports;
  listen(*loop, reports);
  Future<int> future = loop->create_future<int>();
  auto all = gather(after(0s, 1), future);
  EXPECT_EQ(&all.get_loop(), loop.get());
  future.set_result(2);
  EXPECT_EQ(loop->run_until_complete(all), std::tuple(1, 2));
  EXPECT_EQ(error_of([] { static_cast<void>(gather(after(0s, 1))); }), "no running event loop");
  EXPECT_EQ(error_of([] { static_cast<void>(gather()); }), "no running event loop");
}

TEST(Step1_Gather, WhenItIsDroppedItsChildrenRunOnAndReportForThemselves) {  // AIO-54
  Log reports;
  in_loop(reports, [&]() -> Coro<> {
    Log log;
    { const auto dropped = gather(logs(log, "a", 1s), fail_after(2s, "b fails")); }
    co_await sleep(5s);
    EXPECT_EQ(log, (Log{"a begins", "a ends"}));
    EXPECT_EQ(reports, (Log{"Task exception was never retrieved b fails"}));
    // With one that is kept, its children have nothing to report.
    const auto kept = gather(passes(1));
    co_await sleep(1s);
    EXPECT_TRUE(kept.done());
  });
}

TEST(Step1_Gather, AnErrorThatNobodyLooksAtIsReportedOnce) {  // AIO-58
  Log reports;
  in_loop(reports, []() -> Coro<> {
    {
      const auto all = gather(fail_after(1s, "a"), fail_after(2s, "b"));
      co_await sleep(5s);
    }
    co_await passes(2);
  });
  EXPECT_EQ(reports, (Log{"Future exception was never retrieved a"}));
}

TEST(Step1_Gather, ACopyThatThrowsIsItsError) {
  in_loop([]() -> Coro<> {
    Task<NoCopies> task = create_task(no_copies());
    const std::string error = co_await error_of(gather(task, passes(1)));
    EXPECT_EQ(error, "no copies");
    const std::string outcome = co_await error_of(gather({.return_exceptions = true}, task));
    EXPECT_EQ(outcome, "no copies");
  });
}

TEST(Step1_Gather, ALoopMayGoWhileItWaits) {
  const auto gathers = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await gather(passes(1), alive_for(alive, 1h),
                    gather({.return_exceptions = true}, alive_for(alive, 1h), passes(2)));
  };
  abandon(gathers);
}

TEST(Step1_Gather, ItMayOutliveItsLoop) {
  auto loop = virtual_loop();
  Log reports;
  listen(*loop, reports);
  std::atomic<int> alive = 0;
  Future<int> child = loop->create_future<int>();
  auto all = gather(child, loop->create_task(alive_for(alive, 1h)));
  auto some = gather({.return_exceptions = true}, all, child);
  run_passes(*loop, 2);
  child.set_result(1);
  run_passes(*loop, 2);
  EXPECT_EQ(alive, 1);
  loop.reset();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(all.done());
  EXPECT_FALSE(all.cancel()) << "all of its children are done";
  some.cancel();
}

TEST(Step1_Gather, AHundredThousandChildrenTakeNoStack) {
  in_loop([]() -> Coro<> {
    constexpr int many = 100'000;
    std::vector<Coro<int>> coros;
    for (int i = 0; i < many; ++i) coros.push_back(after(Duration(i % 7), i));
    const std::vector<int> numbers = co_await gather(std::move(coros));
    EXPECT_EQ(std::ranges::count_if(numbers, [i = 0](int number) mutable { return number == i++; }), many);
    std::vector<Task<>> tasks;
    for (int i = 0; i < many; ++i) tasks.push_back(create_task(passes(1'000'000)));
    auto all = gather(tasks);
    co_await passes(2);
    EXPECT_TRUE(all.cancel());
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "cancelled");
    std::vector<Future<>> same(many, get_running_loop().create_future());
    { const auto dropped = gather(same); }
  });
}

TEST(Step1_Gather, ACircleThroughGatherEndsWhenItIsCancelled) {
  Log reports;
  in_loop(reports, []() -> Coro<> {
    std::optional<Task<>> one, other;
    const auto gathers = [](std::optional<Task<>>& task) -> Coro<> {
      co_await sleep(1s);
      co_await gather(*task);
    };
    one = create_task(gathers(other));
    other = create_task(gathers(one));
    co_await sleep(2s);
    EXPECT_TRUE(one->cancel());
    co_await passes(10);
    EXPECT_TRUE(one->cancelled());
    EXPECT_TRUE(other->cancelled());
  });
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_NE(reports[0].find("A gather waits for itself"), std::string::npos) << reports[0];
}

namespace {

Coro<> nested_gathers(int levels, bool& built) {
  if (levels > 0) {
    co_await gather(nested_gathers(levels - 1, built));
  } else {
    built = true;
    co_await gather(sleep(1h));
  }
}

}  // namespace

TEST(Step1_Gather, CancellingGathersInGathersTakesNoStackHoweverDeep) {
  course::on_a_small_stack([] {
    in_loop([]() -> Coro<> {
      bool built = false;
      auto all = gather(nested_gathers(30'000, built));
      while (!built) co_await passes(1);
      EXPECT_TRUE(all.cancel());
      const std::string error = co_await error_of(all);
      EXPECT_EQ(error, "cancelled");
    });
  });
}

TEST(Step1_Gather, ChildrenAreCancelledInTheirOrderThoseOfAGatherBeforeTheNext) {
  in_loop([]() -> Coro<> {
    Log log;
    auto all = gather(gather(logs(log, "a", 1h), logs(log, "b", 1h)), logs(log, "c", 1h));
    co_await passes(2);
    all.cancel();
    co_await error_of(all);
    EXPECT_EQ(
        log, (Log{"a begins", "b begins", "c begins", "a is cancelled", "b is cancelled", "c is cancelled"}));
  });
}

TEST(Step1_Gather, AnErrorThatAnswersACancellationComesOutAtOnce) {  // AIO-56
  in_loop([]() -> Coro<> {
    Log log;
    auto all = gather(slow_to_go(log, 5s), fails_to_go("it failed"));
    co_await sleep(1s);
    EXPECT_TRUE(all.cancel());
    const std::string error = co_await error_of(all);
    EXPECT_EQ(error, "it failed") << "the first child that is cancelled or fails ends it, with its own error";
    EXPECT_EQ(now(), 1s);
    co_await sleep(10s);
    auto outcomes = gather({.return_exceptions = true}, refuses(1, 2s), fails_to_go("it failed"));
    co_await sleep(1s);
    EXPECT_TRUE(outcomes.cancel());
    const std::string of_outcomes = co_await error_of(outcomes);
    EXPECT_EQ(of_outcomes, "cancelled") << "no child's end is an error there, so the request is what is left";
    EXPECT_EQ(now(), 14s) << "when all have ended";
  });
}

TEST(Step1_Gather, AChildThatWasCancelledBeforeItBeganIsAnErrorToo) {  // AIO-57
  in_loop([]() -> Coro<> {
    Future<int> cancelled = get_running_loop().create_future<int>();
    cancelled.cancel();
    Future<int> pending = get_running_loop().create_future<int>();
    Future<int> ended = get_running_loop().create_future<int>();
    ended.set_result(1);
    for (const Future<int>& other : {pending, ended}) {
      const auto all = gather(other, cancelled);
      EXPECT_TRUE(all.done()) << "a child is cancelled already";
      EXPECT_FALSE(all.cancelled());
      if (!all.done()) continue;
      const std::string error = co_await error_of(all);
      EXPECT_EQ(error, "cancelled");
    }
  });
}

TEST(Step1_Gather, ErrorsFromBeforeItBeganCountAsLookedAt) {  // AIO-58
  in_loop([]() -> Coro<> {
    for (const bool return_exceptions : {false, true}) {
      Task<> first = create_task(fail_after(0s, "first"));
      Task<> second = create_task(fail_after(0s, "second"));
      co_await passes(3);
      const std::string error =
          co_await error_of(gather({.return_exceptions = return_exceptions}, first, second));
      EXPECT_EQ(error, return_exceptions ? "nothing" : "first");
    }
    co_await passes(2);
  });
}
