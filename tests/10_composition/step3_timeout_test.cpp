// Chapter 10, step 3: a part that has a limit of time.

#include "awkward_results.hpp"
#include "support.hpp"
#include "timeout.hpp"

#include <cstddef>

using asyncio::Timeout;
using asyncio::timeout;
using asyncio::timeout_at;

TEST(Step3_Timeouts, InTimeItGivesWhatThePartReturns) {  // AIO-76
  in_loop([]() -> Coro<> {
    const int number = co_await timeout(2s, []() -> Coro<int> { co_return co_await after(1s, 1); });
    EXPECT_EQ(number, 1);
    const std::string text = co_await timeout(2s, [] { return after(1s, std::string("two")); });
    EXPECT_EQ(text, "two");
    co_await timeout(2s, [](Timeout&) { return sleep(1s); });
    const std::unique_ptr<int> owner =
        co_await timeout(2s, [] { return after(1s, std::make_unique<int>(4)); });
    EXPECT_EQ(*owner, 4);
    int& reference = co_await timeout(2s, [] { return reference_after(1s); });
    EXPECT_EQ(&reference, &shared_number);
    EXPECT_EQ(now(), 5s);
  });
}

TEST(Step3_Timeouts, WhenTheTimeIsOverThePartIsCancelled) {  // AIO-76
  in_loop([]() -> Coro<> {
    Log log;
    const std::string error = co_await error_of(timeout(2s, [&] { return logs(log, "part", 1h); }));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(now(), 2s);
    EXPECT_EQ(log, (Log{"part begins", "part is cancelled"}));
    EXPECT_EQ(current_task()->cancelling(), 0u) << "its own request is taken back";
    co_await sleep(1h);
  });
}

TEST(Step3_Timeouts, TheLimitKnowsHowItStands) {  // AIO-76
  in_loop([]() -> Coro<> {
    Timeout* seen = nullptr;
    const auto in_time = [&](Timeout& limit) -> Coro<> {
      seen = &limit;
      EXPECT_EQ(limit.when(), TimePoint(5s));
      co_await sleep(1s);
      EXPECT_FALSE(limit.expired());
    };
    co_await timeout_at(TimePoint(5s), in_time);
    const auto too_late = [&](Timeout& limit) -> Coro<> {
      EXPECT_EQ(limit.when(), TimePoint(3s));
      EXPECT_FALSE(limit.expired());
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        EXPECT_TRUE(limit.expired());
        throw;
      }
    };
    const std::string error = co_await error_of(timeout(2s, too_late));
    EXPECT_EQ(error, "timeout");
  });
}

TEST(Step3_Timeouts, NothingIsLeftBehind) {  // AIO-76
  in_loop([]() -> Coro<> {
    co_await timeout(1s, [] { return passes(3); });
    const std::string error = co_await error_of(timeout(1s, [] { return fail_after(0s, "part"); }));
    EXPECT_EQ(error, "part");
    co_await sleep(5s);
    std::size_t before = 0;
    for (int i = 0; i < 20'000; ++i) {
      if (i == 10'000) before = course::allocations();
      co_await timeout(1h, [] { return passes(1); });
    }
    if (asyncio::NodePool::recycles) {
      EXPECT_LE(course::allocations() - before, 10u) << "timers of parts that have ended are dropped";
    }
  });
}

TEST(Step3_Timeouts, ACancellationFromElsewherePassesThrough) {  // AIO-76
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&](Timeout& limit) -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        log.push_back(limit.expired() ? "expired" : "not expired");
        throw;
      }
    };
    const auto limited = [&]() -> Coro<> { co_await timeout(2s, part); };
    Task<> task = create_task(limited());
    co_await sleep(1s);
    task.cancel();
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled");
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(task.cancelling(), 1u);
    EXPECT_EQ(log, Log{"not expired"});
  });
}

namespace {

/// Runs a task with a timeout at 2 s, whose part takes 2 s more to go. At `when`, somebody else cancels it,
/// too.
[[maybe_unused]] Coro<std::string> both_cancel(Duration when) {
  Log log;
  const auto limited = [&]() -> Coro<> { co_await timeout(2s, [&] { return slow_to_go(log, 2s); }); };
  Task<> task = create_task(limited());
  co_await sleep(when);
  EXPECT_TRUE(task.cancel());
  const std::string error = co_await error_of(task);
  EXPECT_EQ(task.cancelling(), 1u) << "the other request stays";
  co_return error;
}

}  // namespace

TEST(Step3_Timeouts, WhenBothCancelItIsNoTimeout) {  // AIO-76
  in_loop([]() -> Coro<> {
    const std::string after_it_expired = co_await both_cancel(3s);
    EXPECT_EQ(after_it_expired, "cancelled");
    const std::string before_it_expired = co_await both_cancel(1s);
    EXPECT_EQ(before_it_expired, "cancelled");
    const std::string at_the_same_time = co_await both_cancel(2s);
    EXPECT_EQ(at_the_same_time, "cancelled");
  });
}

TEST(Step3_Timeouts, RequestsFromBeforeItBeganDoNotCount) {  // AIO-76
  in_loop([]() -> Coro<> {
    const auto limited = []() -> Coro<std::string> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      EXPECT_EQ(current_task()->cancelling(), 1u);
      const std::string error = co_await error_of(timeout(2s, [] { return sleep(1h); }));
      EXPECT_EQ(current_task()->cancelling(), 1u);
      co_return error;
    };
    Task<std::string> task = create_task(limited());
    co_await sleep(1s);
    task.cancel();
    const std::string error = co_await task;
    EXPECT_EQ(error, "timeout");
  });
}

TEST(Step3_Timeouts, APartThatRefusesToGoGivesItsValue) {  // AIO-76
  in_loop([]() -> Coro<> {
    const int number = co_await timeout(1s, [] { return refuses(7, 2s); });
    EXPECT_EQ(number, 7);
    EXPECT_EQ(now(), 3s);
    EXPECT_EQ(current_task()->cancelling(), 0u);
    co_await sleep(1s);
  });
}

TEST(Step3_Timeouts, APartMayTakeBackARequestFromBeforeItBegan) {  // AIO-76
  in_loop([]() -> Coro<> {
    const auto limited = []() -> Coro<std::string> {
      co_await error_of(sleep(1h));
      EXPECT_EQ(current_task()->cancelling(), 1u);
      const std::string error = co_await error_of(timeout(2s, []() -> Coro<> {
        current_task()->uncancel();
        co_await sleep(1h);
      }));
      EXPECT_EQ(current_task()->cancelling(), 0u);
      co_return error;
    };
    Task<std::string> task = create_task(limited());
    co_await sleep(1s);
    task.cancel();
    const std::string error = co_await task;
    EXPECT_EQ(error, "timeout") << "fewer requests are left than when it began, so nobody else has asked";
  });
}

TEST(Step3_Timeouts, ATimeoutSaysThatTheTimeIsOver) {  // AIO-76
  in_loop([]() -> Coro<> {
    try {
      co_await timeout(1s, [] { return sleep(1h); });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const TimeoutError& error) {
      EXPECT_STREQ(error.what(), "the time is over");
    }
  });
}

TEST(Step3_Timeouts, ALimitThatHasEndedStaysAsItEnded) {  // AIO-76, AIO-79
  in_loop([]() -> Coro<> {
    // By hand, for what timeout() gives its body goes with the body.
    Timeout in_time(TimePoint(2s));
    EXPECT_FALSE(in_time.end(false));
    co_await sleep(5s);
    EXPECT_FALSE(in_time.expired()) << "its timer has gone";
    EXPECT_EQ(current_task()->cancelling(), 0u) << "nobody asks any more";
    Timeout answered(TimePoint(6s));
    co_await error_of(sleep(1h));
    EXPECT_FALSE(answered.end(false)) << "the part has given a value";
    EXPECT_TRUE(answered.expired()) << "but only after the time was over";
    EXPECT_EQ(error_of([&] { answered.reschedule(std::nullopt); }), "Cannot change state of expired Timeout");
  });
}

TEST(Step3_Timeouts, ALimitOfYourOwnCanBeAskedAfterItsPart) {  // AIO-76
  in_loop([]() -> Coro<> {
    Timeout in_time(2s);
    const int number = co_await timeout(in_time, [] { return after(1s, 1); });
    EXPECT_EQ(number, 1);
    EXPECT_FALSE(in_time.expired());
    EXPECT_EQ(error_of([&] { in_time.reschedule(std::nullopt); }), "Cannot change state of finished Timeout");
    Timeout too_late(2s);
    const std::string error = co_await error_of(timeout(too_late, [&](Timeout& given) {
      EXPECT_EQ(&given, &too_late);
      return sleep(1h);
    }));
    EXPECT_EQ(error, "timeout");
    EXPECT_TRUE(too_late.expired());
    EXPECT_EQ(current_task()->cancelling(), 0u);
    EXPECT_EQ(now(), 3s);
    Timeout no_limit(std::nullopt);
    int& reference = co_await timeout(no_limit, [] { return reference_after(1s); });
    EXPECT_EQ(&reference, &shared_number);
  });
}

TEST(Step3_Timeouts, TheTimeOfALimitOfYourOwnRunsBeforeItsPart) {  // AIO-76
  in_loop([]() -> Coro<> {
    Timeout limit(2s);
    co_await sleep(1s);
    const std::string error = co_await error_of(timeout(limit, [] { return sleep(1h); }));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(now(), 2s);
    Timeout over(TimePoint(1s));
    const std::string at_once = co_await error_of(timeout(over, [] { return sleep(1h); }));
    EXPECT_EQ(at_once, "timeout");
    EXPECT_EQ(now(), 2s);
  });
}

TEST(Step3_Timeouts, ALimitOfYourOwnHasOnePart) {  // AIO-79
  in_loop([]() -> Coro<> {
    Timeout limit(2s);
    co_await timeout(limit, [] { return sleep(1s); });
    bool ran = false;
    const std::string again = co_await error_of(timeout(limit, [&]() -> Coro<> {
      ran = true;
      co_return;
    }));
    EXPECT_EQ(again, "Timeout has already been entered");
    EXPECT_FALSE(ran);
    Timeout outer(2s);
    const std::string inside =
        co_await timeout(outer, [&] { return error_of(timeout(outer, [] { return sleep(1s); })); });
    EXPECT_EQ(inside, "Timeout has already been entered");
  });
  EXPECT_EQ(error_of([] { Timeout(1s); }), "no running event loop");
}
