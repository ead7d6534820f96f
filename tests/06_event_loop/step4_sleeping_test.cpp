// Chapter 06, step 4: sleeping.

#include "support.hpp"

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <thread>

using asyncio::SleepSelector;

TEST(Step4_Sleeping, ALookDoesNotWait) {
  SleepSelector selector;
  for (int i = 0; i < 100; ++i) selector.select(0s);
}

TEST(Step4_Sleeping, SelectWaitsForTheTimeout) {
  SleepSelector selector;
  const TimePoint begin = selector.now();
  selector.select(2ms);
  EXPECT_GE(selector.now() - begin, 2ms);
}

TEST(Step4_Sleeping, AWakeUpBeforeTheSleepCounts) {  // AIO-13
  SleepSelector selector;
  selector.wake();
  selector.select(std::nullopt);
  selector.wake();
  selector.select(24h);
}

TEST(Step4_Sleeping, AWakeUpCountsOnce) {
  SleepSelector selector;
  for (const Duration first : {Duration(0s), Duration(24h)}) {
    selector.wake();
    selector.wake();
    selector.select(first);
    const TimePoint begin = selector.now();
    selector.select(2ms);
    EXPECT_GE(selector.now() - begin, 2ms) << "the wake-up before was not used up";
  }
}

TEST(Step4_Sleeping, AnotherThreadEndsTheSleep) {  // AIO-13
  SleepSelector selector;
  std::jthread sleeper([&] { selector.select(std::nullopt); });
  course::wait_until_others_block();
  selector.wake();
}

TEST(Step4_Sleeping, WithoutATimeoutItSleepsUntilItIsWoken) {
  SleepSelector selector;
  std::jthread sleeper([&] { selector.select(std::nullopt); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing")
      << "a loop that has nothing to do is asleep: it must not look again and again";
  selector.wake();
}

TEST(Step4_Sleeping, AnHourOfTimersRunsAtOnceAndEachOnTime) {  // AIO-03
  VirtualLoop v;
  std::vector<Duration> times;
  for (int minute : {60, 5, 30, 1})
    v.loop.call_later(std::chrono::minutes(minute), [&, minute] {
      times.push_back(v.time());
      if (minute == 60) v.loop.stop();
    });
  v.loop.run_forever();
  EXPECT_EQ(times, (std::vector<Duration>{1min, 5min, 30min, 60min}));
}

TEST(Step4_Sleeping, TheTimeoutEndsWithTheNextTimer) {  // AIO-05
  RecordedLoop r;
  r.loop.call_later(3s, [&] { r.loop.stop(); });
  for (const Duration time : {Duration(1s), Duration(1500ms)}) r.loop.call_later(time, nothing).cancel();
  r.loop.call_later(2s, nothing);
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{2s, 1s}));
}

TEST(Step4_Sleeping, WithoutTimersThereIsNoTimeout) {  // AIO-05
  RecordedLoop r;
  r.selector.instead_of_sleeping = [&] { r.loop.stop(); };
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{std::nullopt}));
}

TEST(Step4_Sleeping, ALoopSleepsForADayAtMost) {  // AIO-05
  RecordedLoop r;
  r.loop.call_later(60h, [&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{24h, 24h, 12h}));
}

TEST(Step4_Sleeping, ALoopThatIsStoppedOrHasWorkDoesNotSleep) {  // AIO-05, AIO-08
  RecordedLoop r;
  r.loop.call_later(1h, nothing);
  r.loop.stop();
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s}));
  r.loop.call_later(-1s, nothing);
  r.loop.call_later(0s, [&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s, 0s}));
}

TEST(Step4_Sleeping, WhatIsDueSinceTheBeginningOfTimeMakesNoSleep) {
  RecordedLoop r;
  r.selector.clock.advance(1h);
  r.loop.call_at(TimePoint::min(), [&] { r.loop.stop(); });
  r.loop.call_at(TimePoint::max(), nothing);
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s}))
      << "from the first time of the clock to now is more than a Duration holds: compare before you subtract";
}

TEST(Step4_Sleeping, TheTimeoutIsExact) {  // AIO-05
  RecordedLoop r;
  r.loop.call_later(1500us + 1ns, [&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{1500us + 1ns}))
      << "until the next timer is due, and no longer";
}

TEST(Step4_Sleeping, ASleepThatEndsForNoReasonMakesNoTimerEarly) {  // AIO-05
  struct LightSleeper final : Selector {
    VirtualTimeSelector clock;
    int left = 3;
    void select(std::optional<Duration> timeout) override {
      if (left == 0) return clock.select(timeout);
      --left;
      if (timeout) clock.advance(*timeout / 2);
    }
    void wake() override { clock.wake(); }
    TimePoint now() override { return clock.now(); }
  };
  EventLoop loop(std::make_unique<LightSleeper>());
  std::vector<TimePoint> ran;
  for (const Duration time : {Duration(1h), Duration(2h)})
    loop.call_at(at(time), [&, time] {
      ran.push_back(loop.time());
      if (time == 2h) loop.stop();
    });
  loop.run_forever();
  EXPECT_EQ(ran, (std::vector{at(1h), at(2h)})) << "select() may return earlier: what time is it then?";
}

TEST(Step4_Sleeping, AnErrorOfTheSelectorEndsTheRunAndItsStop) {
  RecordedLoop r;
  r.selector.instead_of_sleeping = [&] {
    r.loop.stop();
    throw std::runtime_error("no sleep");
  };
  EXPECT_EQ(error_of([&] { r.loop.run_forever(); }), "no sleep");
  EXPECT_FALSE(r.loop.is_running());
  int calls = 0;
  const std::function<void()> again = [&] {
    if (++calls == 3) return r.loop.stop();
    r.loop.call_soon(again);
  };
  r.loop.call_soon(again);
  r.loop.run_forever();
  EXPECT_EQ(calls, 3) << "the stop was for the run that has ended";
}

TEST(Step4_Sleeping, NoTimerIsEarlyAndNoneMakesTheLoopSpin) {  // AIO-05
  struct Counting final : Selector {
    SleepSelector inner;
    int selects = 0;
    void select(std::optional<Duration> timeout) override {
      ++selects;
      inner.select(timeout);
    }
    void wake() override { inner.wake(); }
    TimePoint now() override { return inner.now(); }
  };
  auto owned = std::make_unique<Counting>();
  Counting& selector = *owned;
  EventLoop loop(std::move(owned));
  int early = 0;
  int ran = 0;
  for (const Duration delay :
       {Duration(10us), Duration(100us), Duration(333us), Duration(1ms), Duration(1)}) {
    const TimePoint due = loop.time() + delay;
    loop.call_at(due, [&, due] {
      early += loop.time() < due;
      if (++ran == 5) loop.stop();
    });
  }
  loop.run_forever();
  EXPECT_EQ(early, 0);
  EXPECT_LE(selector.selects, 20);
}

TEST(Step4_Sleeping, ALoopThatSleepsUsesNoProcessorTime) {
  std::jthread runner([] {
    EventLoop loop;
    loop.call_later(300ms, [&] { loop.stop(); });
    loop.run_forever();
  });
  course::wait_until_others_block();
  EXPECT_LT(course::cpu_time_of_others_while_this_thread_computes(), 10ms);
}

TEST(Step4_Sleeping, ABusyLoopLooksAtItsSelectorNowAndThen) {  // AIO-05
  RecordedLoop r;
  int left = 6'400;
  const std::function<void()> link = [&] {
    if (--left > 0)
      r.loop.call_soon(std::ref(link));
    else
      r.loop.call_later(1s, [&] { r.loop.stop(); });
  };
  r.loop.call_soon(std::ref(link));
  r.loop.run_forever();
  ASSERT_FALSE(r.selector.timeouts.empty());
  EXPECT_EQ(r.selector.timeouts.back(), 1s) << "in the end it sleeps";
  r.selector.timeouts.pop_back();
  EXPECT_GE(r.selector.timeouts.size(), 99u) << "every 64 callbacks";
  EXPECT_LE(r.selector.timeouts.size(), 100u) << "every 64 callbacks";
  for (const auto& timeout : r.selector.timeouts) EXPECT_EQ(timeout, 0s);
}

TEST(Step4_Sleeping, CallbacksAreCountedAndNotPasses) {  // AIO-05
  for (const bool timers : {false, true}) {
    RecordedLoop r;
    int passes = 0;
    const std::function<void()> pass = [&] {
      if (++passes == 40) {
        r.loop.call_later(1s, [&] { r.loop.stop(); });
        return;
      }
      r.loop.call_soon(pass);
      for (int i = 0; i < 7; ++i)
        if (timers)
          r.loop.call_later(0s, nothing);
        else
          r.loop.call_soon(nothing);
    };
    r.loop.call_soon(pass);
    r.loop.run_forever();
    EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s, 0s, 0s, 0s, 1s}))
        << "every 64 callbacks: these are eight passes of eight"
        << (timers ? ", in which seven are timers" : "");
  }
}

TEST(Step4_Sleeping, AfterALookTheCountBeginsAnew) {  // AIO-05
  RecordedLoop r;
  const auto chain_of = [&](int length) {
    r.selector.timeouts.clear();
    const std::function<void()> link = [&] {
      if (--length == 0) return r.loop.stop();
      r.loop.call_soon(std::ref(link));
    };
    r.loop.call_soon(std::ref(link));
    r.loop.run_forever();
    return r.selector.timeouts;
  };
  for (int i = 0; i < 1'000; ++i) r.loop.call_soon(nothing);
  EXPECT_EQ(chain_of(60), (std::vector<std::optional<Duration>>{0s}))
      << "a thousand callbacks in a pass are one reason to look";
  // 59 callbacks have run since then, and now the loop sleeps.
  r.loop.call_later(1s, [&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(chain_of(60), (std::vector<std::optional<Duration>>{})) << "a sleep was a look, too";
}

TEST(Step4_Sleeping, ALoopThatHasWorkNeedNotLookThoughItIsStopped) {  // AIO-05
  RecordedLoop r;
  r.loop.call_soon(nothing);
  r.loop.stop();
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{}));
  r.loop.call_later(1s, [&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{1s})) << "without work it sleeps";
}

TEST(Step4_Sleeping, TheCountGoesOnFromRunToRun) {  // AIO-05
  RecordedLoop r;
  for (int i = 0; i < 63; ++i) r.loop.call_soon(nothing);
  r.loop.call_soon([&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{}))
      << "there was work from the beginning";
  r.loop.call_soon([&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s}))
      << "64 callbacks since the last look, though they were in the run before";
  r.loop.call_later(1s, [&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s, 1s})) << "without work it sleeps";
}

TEST(Step4_Sleeping, AStoppingLoopThatHasWorkLooksEvery64CallbacksToo) {  // AIO-05
  RecordedLoop r;
  for (int i = 0; i < 64; ++i) r.loop.call_soon(nothing);
  r.loop.stop();
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{}));
  r.loop.call_soon(nothing);
  r.loop.stop();
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s}))
      << "who runs a loop pass by pass would never hear of a socket";
  r.loop.call_later(1s, [&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s, 1s})) << "without work it sleeps";
}
