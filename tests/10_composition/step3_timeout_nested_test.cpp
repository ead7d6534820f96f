// Chapter 10, step 3: limits of time inside one another, moved, or none at all.

#include "gather.hpp"
#include "leaks.hpp"
#include "support.hpp"
#include "timeout.hpp"
#include "wait_for.hpp"

#include <optional>

using asyncio::gather;
using asyncio::Timeout;
using asyncio::timeout;
using asyncio::timeout_at;
using asyncio::wait_for;

namespace {

/// Two limits, one in the other. Where does which exception come?
Coro<> nested(Log& log, Duration outer_delay, Duration inner_delay, Duration work) {
  const auto innermost = [&](Timeout& limit) -> Coro<> {
    try {
      co_await sleep(work);
    } catch (...) {
      log.push_back(std::string("part: ") + what(std::current_exception()) +
                    (limit.expired() ? ", expired" : ""));
      throw;
    }
  };
  const auto inner = [&](Timeout& limit) -> Coro<> {
    const std::string error = co_await error_of(timeout(inner_delay, innermost));
    log.push_back("inner: " + error + (limit.expired() ? ", expired" : ""));
    if (error == "cancelled") throw CancelledError();
    co_await sleep(work);
  };
  const std::string error = co_await error_of(timeout(outer_delay, inner));
  log.push_back("outer: " + error);
  EXPECT_EQ(current_task()->cancelling(), 0u);
}

}  // namespace

TEST(Step3_Timeouts, OfTwoNestedLimitsTheOneThatWasOverConverts) {  // AIO-77
  in_loop([]() -> Coro<> {
    Log log;
    co_await nested(log, 1h, 1s, 2s);
    EXPECT_EQ(log, (Log{"part: cancelled, expired", "inner: timeout", "outer: nothing"}));
    log.clear();
    co_await nested(log, 1s, 1h, 2s);
    EXPECT_EQ(log, (Log{"part: cancelled", "inner: cancelled, expired", "outer: timeout"}));
    log.clear();
    co_await nested(log, 3s, 1s, 1h);
    EXPECT_EQ(log, (Log{"part: cancelled, expired", "inner: timeout", "outer: timeout"}));
  });
}

TEST(Step3_Timeouts, OfTwoThatAreOverTogetherTheOuterOneConverts) {  // AIO-77
  in_loop([]() -> Coro<> {
    Log log;
    co_await nested(log, 1s, 1s, 1h);
    EXPECT_EQ(log, (Log{"part: cancelled, expired", "inner: cancelled, expired", "outer: timeout"}));
  });
}

TEST(Step3_Timeouts, TheLoopMayBeTooBusyToTellWhichCameFirst) {  // AIO-77
  for (const bool outer_first : {true, false}) {
    auto selector = std::make_unique<VirtualTimeSelector>();
    VirtualTimeSelector& clock = *selector;
    EventLoop loop(std::move(selector));
    Log reports;
    listen(loop, reports);
    loop.call_later(500ms, [&] { clock.advance(10s); });
    const auto main = [&]() -> Coro<> {
      Log log;
      co_await nested(log, outer_first ? 1s : 2s, outer_first ? 2s : 1s, 1h);
      EXPECT_EQ(log, (Log{"part: cancelled, expired", "inner: cancelled, expired", "outer: timeout"}));
    };
    loop.run_until_complete(main());
    EXPECT_EQ(reports, Log());
  }
}

TEST(Step3_Timeouts, ACleanUpMayHaveALimitOfItsOwn) {  // AIO-77
  in_loop([]() -> Coro<> {
    Log log;
    const auto part = [&]() -> Coro<> {
      bool cancelled = false;
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        cancelled = true;
      }
      const std::string error = co_await error_of(timeout(2s, [&] { return logs(log, "clean-up", 1h); }));
      log.push_back(error);
      if (cancelled) throw CancelledError();
    };
    const std::string error = co_await error_of(timeout(1s, part));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(log, (Log{"clean-up begins", "clean-up is cancelled", "timeout"}));
    EXPECT_EQ(now(), 3s);
  });
}

TEST(Step3_Timeouts, WithoutATimeThereIsNoLimit) {  // AIO-78
  in_loop([]() -> Coro<> {
    const auto part = [](Timeout& limit) -> Coro<int> {
      EXPECT_EQ(limit.when(), std::nullopt);
      co_await sleep(1000h);
      EXPECT_FALSE(limit.expired());
      co_return 1;
    };
    const int of_timeout = co_await timeout(std::nullopt, part);
    EXPECT_EQ(of_timeout, 1);
    const int of_timeout_at = co_await timeout_at(std::nullopt, part);
    EXPECT_EQ(of_timeout_at, 1);
    EXPECT_EQ(now(), 2000h);
    const int saturated = co_await timeout(Duration::max(), [] { return after(1h, 1); });
    EXPECT_EQ(saturated, 1);
  });
}

TEST(Step3_Timeouts, OneThatIsOverAlreadyCancelsAtTheFirstAwait) {  // AIO-78
  in_loop([]() -> Coro<> {
    Log log;
    Task<> counter = create_task(count_passes(log, 3));
    for (const Duration delay : {Duration(0s), Duration(-1s), Duration(-1000h)}) {
      const auto part = [&](Timeout& limit) -> Coro<> {
        EXPECT_FALSE(limit.expired());
        log.push_back("part");
        co_await sleep(0s);
        log.push_back("not cancelled");
      };
      const std::string error = co_await error_of(timeout(delay, part));
      log.push_back(error);
    }
    const std::string past = co_await error_of(timeout_at(TimePoint(), [] { return sleep(1s); }));
    EXPECT_EQ(past, "timeout");
    co_await counter;
    EXPECT_EQ(log, (Log{"part", "timeout", "part", "1", "timeout", "part", "2", "timeout", "3"}))
        << "in the pass in which they began or the next, as in Python";
    EXPECT_EQ(now(), 0s);
  });
}

TEST(Step3_Timeouts, APartThatNeverWaitsIsNotDisturbed) {  // AIO-78
  in_loop([]() -> Coro<> {
    const int number = co_await timeout(0s, []() -> Coro<int> { co_return 1; });
    EXPECT_EQ(number, 1);
    co_await sleep(1s);
    EXPECT_EQ(current_task()->cancelling(), 0u);
  });
}

TEST(Step3_Timeouts, TheDelayCountsFromTheAwait) {  // AIO-76
  in_loop([]() -> Coro<> {
    const auto part = [](Timeout& limit) -> Coro<> {
      EXPECT_EQ(limit.when(), TimePoint(7s));
      co_return;
    };
    auto limited = timeout(2s, part);
    co_await sleep(5s);
    co_await std::move(limited);
  });
}

TEST(Step3_Timeouts, RescheduleSetsAnotherLimit) {  // AIO-79
  in_loop([]() -> Coro<> {
    const auto later = [](Timeout& limit) -> Coro<> {
      limit.reschedule(TimePoint(10s));
      EXPECT_EQ(limit.when(), TimePoint(10s));
      co_await sleep(1h);
    };
    const std::string at_ten = co_await error_of(timeout(1s, later));
    EXPECT_EQ(at_ten, "timeout");
    EXPECT_EQ(now(), 10s);
    const auto none = [](Timeout& limit) -> Coro<> {
      limit.reschedule(std::nullopt);
      EXPECT_EQ(limit.when(), std::nullopt);
      co_await sleep(5s);
    };
    co_await timeout(1s, none);
    EXPECT_EQ(now(), 15s);
    const auto one_after_all = [](Timeout& limit) -> Coro<> {
      limit.reschedule(TimePoint(20s));
      co_await sleep(1h);
    };
    const std::string at_twenty = co_await error_of(timeout(std::nullopt, one_after_all));
    EXPECT_EQ(at_twenty, "timeout");
    EXPECT_EQ(now(), 20s);
    const auto past = [](Timeout& limit) -> Coro<> {
      limit.reschedule(TimePoint(1s));
      EXPECT_FALSE(limit.expired());
      co_await sleep(0s);
      ADD_FAILURE() << "not cancelled";
    };
    const std::string at_once = co_await error_of(timeout(1h, past));
    EXPECT_EQ(at_once, "timeout");
    EXPECT_EQ(now(), 20s);
  });
}

TEST(Step3_Timeouts, RescheduleIsRefusedWhenItIsTooLate) {  // AIO-79
  in_loop([]() -> Coro<> {
    std::string expiring;
    const auto too_late = [&](Timeout& limit) -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        expiring = error_of([&] { limit.reschedule(TimePoint(1h)); });
        EXPECT_EQ(limit.when(), TimePoint(1s)) << "and nothing is changed";
        throw;
      }
    };
    const std::string error = co_await error_of(timeout(1s, too_late));
    EXPECT_EQ(error, "timeout");
    EXPECT_EQ(expiring, "Cannot change state of expiring Timeout");
    // By hand, for what timeout() gives its body goes with the body.
    Timeout ended(TimePoint(1h));
    EXPECT_FALSE(ended.end(false));
    EXPECT_FALSE(ended.expired());
    EXPECT_EQ(error_of([&] { ended.reschedule(std::nullopt); }), "Cannot change state of finished Timeout");
    Timeout expired(TimePoint(2s));
    const std::string sleeping = co_await error_of(sleep(1h));
    EXPECT_EQ(sleeping, "cancelled");
    EXPECT_TRUE(expired.end(true));
    EXPECT_TRUE(expired.expired());
    EXPECT_EQ(error_of([&] { expired.reschedule(std::nullopt); }), "Cannot change state of expired Timeout");
  });
}

TEST(Step3_Timeouts, OtherExceptionsStayAsTheyAre) {  // AIO-79
  in_loop([]() -> Coro<> {
    const std::string in_time = co_await error_of(timeout(2s, [] { return fail_after(1s, "in time"); }));
    EXPECT_EQ(in_time, "in time");
    const auto because_of_it = []() -> Coro<> {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        throw std::runtime_error("because of it");
      }
    };
    const std::string late = co_await error_of(timeout(1s, because_of_it));
    EXPECT_EQ(late, "because of it");
    EXPECT_EQ(current_task()->cancelling(), 0u);
    const auto number = []() -> Coro<> {
      co_await sleep(1s);
      throw 7;
    };
    const std::string seven = co_await error_of(timeout(5s, number));
    EXPECT_EQ(seven, "7");
    const auto cancelled = []() -> Coro<> {
      co_await sleep(1s);
      throw CancelledError();
    };
    const std::string by_itself = co_await error_of(timeout(5s, cancelled));
    EXPECT_EQ(by_itself, "cancelled") << "the time was not over";
    co_await sleep(1s);
  });
}

TEST(Step3_Timeouts, ItNeedsATask) {  // AIO-79
  const auto loop = virtual_loop();
  Log reports;
  listen(*loop, reports);
  std::string said_outside;
  loop->call_soon([&] {
    Coro<> limited = timeout(1s, [] { return passes(1); });
    limited.handle().resume();
    if (limited.done()) said_outside = what(limited.outcome().exception());
  });
  run_passes(*loop, 1);
  EXPECT_EQ(said_outside, "Timeout should be used inside a task");
  // Within one, it does its work.
  loop->run_until_complete(timeout(1s, [] { return passes(1); }));
}

TEST(Step3_Timeouts, TheFunctionLivesAsLongAsThePart) {  // AIO-76
  in_loop([]() -> Coro<> {
    std::atomic<int> alive = 0;
    const auto limited = [&]() -> Coro<> {
      const auto counted = std::make_shared<Counted>(alive);
      const auto part = [counted,
                         text = std::string("a text that is too long to stay in place")]() -> Coro<> {
        co_await sleep(1s);
        EXPECT_EQ(text, "a text that is too long to stay in place");
      };
      return timeout(5s, part);
    };
    Task<> task = create_task(limited());
    co_await passes(3);
    EXPECT_EQ(alive, 1) << "whoever wrote it has gone";
    co_await task;
    EXPECT_EQ(alive, 0);
  });
}

TEST(Step3_Timeouts, ItMayBeCancelledAtAnyTime) {  // AIO-64, AIO-76
  in_loop([]() -> Coro<> {
    const auto limited = [](std::atomic<int>& alive) -> Coro<> {
      co_await timeout(1h, [&] { return wait_for(alive_passes(alive, 2), 2h); });
      Task<> task = create_task(alive_passes(alive, 3));
      co_await wait_for(task, 1h);
      const std::string cancelled = co_await error_of(timeout(0s, [&] { return alive_passes(alive, 5); }));
      if (cancelled == "cancelled") throw CancelledError();
      co_await wait_for(gather(alive_passes(alive, 1), alive_passes(alive, 2)), std::nullopt);
    };
    const int times = co_await cancel_at_every_pass(limited);
    EXPECT_GT(times, 10);
  });
}

TEST(Step3_Timeouts, ALoopMayGoWhileItWaits) {
  const auto limited = [](std::atomic<int>& alive) -> Coro<> {
    const Counted counted(alive);
    co_await timeout(1h, [] { return passes(1); });
    co_await timeout(1h, [&] { return timeout(2h, [&] { return alive_for(alive, 3h); }); });
  };
  abandon(limited);
}
