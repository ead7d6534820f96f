// Chapter 10, step 3: wait_for: a limit of time for one awaitable.

#include "timeout.hpp"
#include "gather.hpp"
#include "leaks.hpp"
#include "many_tasks.hpp"
#include "shield.hpp"
#include "support.hpp"
#include "wait_for.hpp"

#include <cmath>
#include <chrono>
#include <optional>

using asyncio::gather;
using asyncio::shield;
using asyncio::timeout;
using asyncio::wait_for;

TEST(Step3_Timeouts, WaitForGivesTheResultInTime) {  // AIO-61
  in_loop([]() -> Coro<> {
    const int number = co_await wait_for(after(1s, 1), 2s);
    EXPECT_EQ(number, 1);
    const std::string text = co_await wait_for(after(1000h, std::string("two")), std::nullopt);
    EXPECT_EQ(text, "two");
    const std::unique_ptr<int> owner = co_await wait_for(after(1s, std::make_unique<int>(4)), 2s);
    EXPECT_EQ(*owner, 4);
    co_await wait_for(sleep(1s), 2s);
    Task<int> task = create_task(after(1s, 5));
    const int of_a_task = co_await wait_for(task, 2s);
    EXPECT_EQ(of_a_task, task.result());
    Future<int> future = get_running_loop().create_future<int>();
    get_running_loop().call_later(1s, [&] { future.set_result(6); });
    const int of_a_future = co_await wait_for(future, 2s);
    EXPECT_EQ(of_a_future, 6);
    const std::string error = co_await error_of(wait_for(fail_after(1s, "it failed"), 2s));
    EXPECT_EQ(error, "it failed");
    co_await sleep(1h);
  });
}

TEST(Step3_Timeouts, WaitForTakesAsManyPassesAsInPython) {  // AIO-61
  in_loop([]() -> Coro<> {
    Log log;
    Task<> counter = create_task(count_passes(log, 8));
    co_await wait_for(passes(1), 10s);
    log.push_back("in time");
    Task<> task = create_task(passes(1));
    co_await wait_for(task, 10s);
    log.push_back("in time too");
    co_await counter;
    EXPECT_EQ(log, (Log{"in time", "1", "2", "3", "in time too", "4", "5", "6", "7", "8"}));
  });
}

TEST(Step3_Timeouts, WaitForReturnsWhenWhatWasCancelledHasReallyEnded) {  // AIO-61
  in_loop([]() -> Coro<> {
    Log log;
    const std::string of_a_coro = co_await error_of(wait_for(slow_to_go(log, 5s), 1s));
    EXPECT_EQ(of_a_coro, "timeout");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 6s) << "to clean up may take longer than the limit";
    log.clear();
    Task<> task = create_task(slow_to_go(log, 5s));
    const std::string of_a_task = co_await error_of(wait_for(task, 1s));
    EXPECT_EQ(of_a_task, "timeout");
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 12s);
    EXPECT_EQ(current_task()->cancelling(), 0u);
    Future<int> future = get_running_loop().create_future<int>();
    const std::string of_a_future = co_await error_of(wait_for(future, 1s));
    EXPECT_EQ(of_a_future, "timeout");
    EXPECT_TRUE(future.cancelled());
  });
}

TEST(Step3_Timeouts, WaitForWithoutTimeGivesTheResultOfWhatIsDone) {  // AIO-62
  in_loop([]() -> Coro<> {
    Future<int> future = get_running_loop().create_future<int>();
    future.set_result(1);
    const int number = co_await wait_for(future, 0s);
    EXPECT_EQ(number, 1);
    const int again = co_await wait_for(future, -5s);
    EXPECT_EQ(again, 1);
    Task<> failed = create_task(fail_after(0s, "before"));
    co_await passes(3);
    const std::string error = co_await error_of(wait_for(failed, 0s));
    EXPECT_EQ(error, "before");
    Future<int> cancelled = get_running_loop().create_future<int>();
    cancelled.cancel();
    const std::string none = co_await error_of(wait_for(cancelled, 0s));
    EXPECT_EQ(none, "cancelled") << "not for the time";
  });
}

TEST(Step3_Timeouts, WaitForWithoutTimeNeverBeginsACoro) {  // AIO-62
  in_loop([]() -> Coro<> {
    Log log;
    std::atomic<int> alive = 0;
    for (const Duration delay : {0s, -1s}) {
      const std::string error = co_await error_of(wait_for(logs(log, "it", 0s), delay));
      EXPECT_EQ(error, "timeout");
      const auto counted = std::make_shared<Counted>(alive);
      const auto begins = [&log, counted]() -> Coro<> {
        log.push_back("it begins");
        co_return;
      };
      const std::string of_a_lambda = co_await error_of(wait_for(begins(), delay));
      EXPECT_EQ(of_a_lambda, "timeout");
    }
    co_await sleep(1s);
    EXPECT_EQ(log, Log());
    EXPECT_EQ(alive, 0);
  });
}

TEST(Step3_Timeouts, WaitForWithoutTimeCancelsAndAwaitsWhatRuns) {  // AIO-62
  in_loop([]() -> Coro<> {
    Log log;
    Task<> task = create_task(slow_to_go(log, 5s));
    co_await passes(2);
    const std::string error = co_await error_of(wait_for(task, 0s));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
    EXPECT_EQ(now(), 5s);
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(current_task()->cancelling(), 0u);
    Future<int> future = get_running_loop().create_future<int>();
    const std::string of_a_future = co_await error_of(wait_for(future, 0s));
    EXPECT_EQ(of_a_future, "timeout");
    EXPECT_TRUE(future.cancelled());
  });
}

TEST(Step3_Timeouts, WaitForLeavesTheLastWordToWhatAnswersTheCancellation) {  // AIO-63
  in_loop([]() -> Coro<> {
    const auto throws = []() -> Coro<int> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      throw std::runtime_error("instead");
    };
    const int of_a_coro = co_await wait_for(refuses(1), 1s);
    EXPECT_EQ(of_a_coro, 1);
    const std::string error_of_a_coro = co_await error_of(wait_for(throws(), 1s));
    EXPECT_EQ(error_of_a_coro, "instead");
    for (const Duration delay : {1s, 0s}) {
      Task<int> refusing = create_task(refuses(2, 1s));
      Task<int> throwing = create_task(throws());
      co_await passes(2);
      const int value = co_await wait_for(refusing, delay);
      EXPECT_EQ(value, 2);
      const std::string error = co_await error_of(wait_for(throwing, delay));
      EXPECT_EQ(error, "instead");
    }
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

TEST(Step3_Timeouts, WaitForLetsATimeoutErrorThroughThatIsNotItsOwn) {  // AIO-63
  in_loop([]() -> Coro<> {
    const auto throws = []() -> Coro<> {
      co_await sleep(1s);
      throw TimeoutError("of its own");
    };
    try {
      co_await wait_for(throws(), 1h);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const TimeoutError& error) {
      EXPECT_STREQ(error.what(), "of its own");
    }
    const std::string ours = co_await error_of(wait_for(sleep(1h), 1s));
    EXPECT_EQ(ours, "timeout");
  });
}

TEST(Step3_Timeouts, ToCancelWaitForCancelsWhatItWaitsForAndWaits) {  // AIO-64
  in_loop([]() -> Coro<> {
    for (const auto delay : {std::optional<Duration>(1h), std::optional<Duration>()}) {
      Log log;
      const Duration begin = now();
      Task<> inner = create_task(slow_to_go(log, 5s));
      const auto waits = [&]() -> Coro<> { co_await wait_for(inner, delay); };
      Task<> outer = create_task(waits());
      co_await sleep(1s);
      EXPECT_TRUE(outer.cancel());
      const std::string error = co_await error_of(outer);
      EXPECT_EQ(error, "cancelled");
      EXPECT_TRUE(inner.cancelled());
      EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"}));
      EXPECT_EQ(now() - begin, 6s);
    }
  });
}

TEST(Step3_Timeouts, WaitForLosesNoCancellationInThePassInWhichItEnds) {  // AIO-64
  in_loop([]() -> Coro<> {
    Future<int> inner = get_running_loop().create_future<int>();
    const auto waits = [&]() -> Coro<int> { co_return co_await wait_for(inner, 1h); };
    Task<int> outer = create_task(waits());
    co_await passes(2);
    inner.set_result(1);
    EXPECT_TRUE(outer.cancel());
    const std::string error = co_await error_of(outer);
    EXPECT_EQ(error, "cancelled");
    EXPECT_EQ(inner.result(), 1);
  });
}

TEST(Step3_Timeouts, WaitForLosesNoCancellationWhileItWaitsForTheEnd) {  // AIO-64
  in_loop([]() -> Coro<> {
    for (const Duration delay : {1s, 0s}) {
      Log log;
      Task<> inner = create_task(slow_to_go(log, 5s));
      co_await passes(2);
      const auto waits = [&]() -> Coro<> { co_await wait_for(inner, delay); };
      Task<> outer = create_task(waits());
      co_await sleep(3s);
      EXPECT_EQ(log, (Log{"it is cancelled"}));
      EXPECT_TRUE(outer.cancel());
      const std::string error = co_await error_of(outer);
      EXPECT_EQ(error, "cancelled");
      EXPECT_TRUE(outer.cancelled());
      EXPECT_EQ(outer.cancelling(), 1u);
      // Once the time is over before it has begun, Python waits for the end, too, but not if it is cancelled.
      EXPECT_EQ(inner.done(), delay > 0s);
      if (delay > 0s) continue;
      co_await sleep(10s);
      EXPECT_EQ(log, (Log{"it is cancelled", "it is gone"})) << "it is cancelled once";
    }
  });
}

TEST(Step3_Timeouts, WaitForAShieldLeavesTheInnerOneAlone) {  // AIO-64
  in_loop([]() -> Coro<> {
    Task<int> inner = create_task(after(100s, 1));
    const std::string in_time = co_await error_of(wait_for(shield(inner), 1s));
    EXPECT_EQ(in_time, "timeout");
    EXPECT_EQ(now(), 1s);
    const std::string at_once = co_await error_of(wait_for(shield(inner), 0s));
    EXPECT_EQ(at_once, "timeout");
    const auto waits = [&]() -> Coro<> { co_await wait_for(shield(inner), 1h); };
    Task<> outer = create_task(waits());
    co_await sleep(1s);
    outer.cancel();
    const std::string cancelled = co_await error_of(outer);
    EXPECT_EQ(cancelled, "cancelled");
    const int result = co_await inner;
    EXPECT_EQ(result, 1);
    EXPECT_EQ(inner.cancelling(), 0u);
  });
}

TEST(Step3_Timeouts, WaitForAGatherCancelsItAsAWhole) {  // AIO-61
  in_loop([]() -> Coro<> {
    Log log;
    const std::string error =
        co_await error_of(wait_for(gather(logs(log, "a", 1h), logs(log, "b", 1s), logs(log, "c", 1h)), 2s));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(log, (Log{"a begins", "b begins", "c begins", "b ends", "a is cancelled", "c is cancelled"}));
    const auto [in_time, too_late] =
        co_await gather({.return_exceptions = true}, wait_for(after(1s, 1), 2s), wait_for(after(3s, 3), 2s));
    EXPECT_EQ(in_time.get(), 1);
    EXPECT_EQ(what(too_late.exception()), "timeout");
  });
}

TEST(Step3_Timeouts, ALoopMayGoWhileWaitForWaits) {
  const auto waits = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await wait_for(passes(1), 1h);
    Log log;
    Task<> stubborn = create_task(slow_to_go(log, 1h));
    co_await passes(1);
    co_await gather(wait_for(alive_for(alive, 2h), 1h), wait_for(stubborn, 0s));
  };
  abandon(waits);
}

TEST(Step3_Timeouts, ALimitIsGivenInAnyUnit) {  // AIO-61
  in_loop([]() -> Coro<> {
    const int longest = co_await wait_for(after(1s, 1), std::chrono::hours::max());
    EXPECT_EQ(longest, 1);
    const int forever = co_await timeout(std::chrono::years::max(), [] { return after(1s, 2); });
    EXPECT_EQ(forever, 2);
    EXPECT_EQ(now(), 2s);
    const std::string half = co_await error_of(wait_for(after(1h, 1), 0.5s));
    EXPECT_EQ(half, "timeout");
    EXPECT_EQ(now(), 2'500ms);
    const std::string quarter = co_await error_of(timeout(0.25s, [] { return after(1h, 1); }));
    EXPECT_EQ(quarter, "timeout");
    EXPECT_EQ(now(), 2'750ms);
    const std::string past = co_await error_of(wait_for(after(1h, 1), std::chrono::hours::min()));
    EXPECT_EQ(past, "timeout");
    const std::chrono::duration<double> none(std::nan(""));
    EXPECT_THROW(static_cast<void>(wait_for(after(1s, 1), none)), std::invalid_argument);
  });
}

TEST(Step3_Timeouts, WhoIsCancelledWhileItWaitsForTheEndCancelsNothingAgain) {  // AIO-64
  in_loop([]() -> Coro<> {
    Log log;
    const auto stubborn = [&]() -> Coro<int> {
      for (int i = 0; i < 2; ++i) try {
          co_await sleep(1s);
        } catch (const CancelledError&) {
          log.push_back("cancelled");
        }
      co_return 7;
    };
    Task<int> inner = create_task(stubborn());
    co_await passes(2);
    Task<int> outer = create_task(wait_for(inner, 0s));
    co_await passes(2);
    EXPECT_TRUE(outer.cancel());
    const std::string error = co_await error_of(outer);
    EXPECT_EQ(error, "cancelled");
    const int result = co_await inner;
    EXPECT_EQ(result, 7);
    EXPECT_EQ(log, Log{"cancelled"});
  });
}

TEST(Step3_Timeouts, WaitForLosesNoCancellationBesideTheEndThatItWaitsFor) {  // AIO-64
  in_loop([]() -> Coro<> {
    for (const int turns : {1, 2}) {
      // To cancel it ends it at once; then its listener has its turn, and then whoever waits in wait_for().
      Future<int> inner = get_running_loop().create_future<int>();
      Task<int> outer = create_task(wait_for(inner, 0s));
      co_await passes(turns);
      EXPECT_TRUE(inner.cancelled());
      EXPECT_FALSE(outer.done());
      EXPECT_TRUE(outer.cancel());
      const std::string error = co_await error_of(outer);
      EXPECT_EQ(error, "cancelled") << "cancelled in the turn before it goes on, it was told yes";
    }
  });
}

TEST(Step3_Timeouts, WaitForDoesNotLookNowAndThenIfTheEndHasCome) {  // AIO-62
  in_loop([]() -> Coro<> {
    Log log;
    Task<> task = create_task(slow_to_go(log, 1s));
    co_await passes(2);
    const auto waits = [&]() -> Coro<> {
      const std::string error = co_await error_of(wait_for(task, 0s));
      EXPECT_EQ(error, "timeout");
    };
    const std::ptrdiff_t calls = co_await callbacks_in(waits());
    EXPECT_LT(calls, 20) << "it waits to be told of the end";
  });
}
