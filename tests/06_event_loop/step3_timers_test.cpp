// Chapter 06, step 3: what is due at a time.

#include "support.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <stdexcept>

TEST(Step3_Timers, OnlyWhatIsDueRuns) {  // AIO-03
  VirtualLoop v;
  Log log;
  v.loop.call_later(2s, [&] { log.push_back("2"); });
  v.loop.call_later(
      1s, [&](std::string text) { log.push_back(text); }, "1");
  v.loop.call_at(v.loop.time() + 3s, [&] { log.push_back("3"); });
  v.clock.advance(1s - 1ns);
  v.run_once();
  EXPECT_EQ(log, Log()) << "a nanosecond before its time is too early";
  v.clock.advance(1ns);
  v.run_once();
  EXPECT_EQ(log, Log{"1"}) << "what is due at this very time runs";
  v.clock.advance(1h);
  v.run_once();
  EXPECT_EQ(log, (Log{"1", "2", "3"}));
  v.run_once();
  EXPECT_EQ(log, (Log{"1", "2", "3"}));
}

TEST(Step3_Timers, AmongManyNoneIsEarly) {  // AIO-03
  VirtualLoop v;
  int ran = 0;
  for (int i = 1; i <= 100; ++i) v.loop.call_later(i * 1s, [&] { ++ran; });
  for (int i = 1; i <= 100; ++i) {
    v.clock.advance(1s - 1ns);
    v.run_once();
    ASSERT_EQ(ran, i - 1) << "a nanosecond before its time is too early";
    v.clock.advance(1ns);
    v.run_once();
    ASSERT_EQ(ran, i);
  }
}

TEST(Step3_Timers, ManyThatAreDueAtOnceRunInOrder) {  // AIO-03, AIO-04
  VirtualLoop v;
  std::mt19937 random(1);
  std::vector<std::pair<int, int>> ran, expected;
  for (int i = 0; i < 1'000; ++i) {
    const int second = static_cast<int>(random() % 100);
    v.loop.call_later(second * 1s, [&, second, i] { ran.emplace_back(second, i); });
    expected.emplace_back(second, i);
  }
  std::ranges::sort(expected);
  v.clock.advance(49s);
  v.run_once();
  const auto due = static_cast<std::size_t>(
      std::ranges::count_if(expected, [](const auto& each) { return each.first <= 49; }));
  EXPECT_EQ(ran, std::vector(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(due)));
  v.clock.advance(50s);
  v.run_once();
  EXPECT_EQ(ran, expected);
}

TEST(Step3_Timers, NegativeDelaysRunInTheNextPassInTheOrderOfTheirTimes) {  // AIO-03
  VirtualLoop v;
  Log log;
  v.loop.call_later(0s, [&] { log.push_back("0"); });
  v.loop.call_later(-1s, [&] { log.push_back("-1"); });
  v.loop.call_later(-2s, [&] { log.push_back("-2"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"-2", "-1", "0"}));
}

TEST(Step3_Timers, WhatIsReadyRunsBeforeWhatIsDue) {  // AIO-02
  VirtualLoop v;
  Log log;
  v.loop.call_later(-1s, [&] { log.push_back("due"); });
  v.loop.call_soon([&] { log.push_back("ready"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"ready", "due"}));
}

TEST(Step3_Timers, TimersJoinEveryPassNotOnlyIdleOnes) {  // AIO-02
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] {
    v.loop.call_later(0s, [&] { log.push_back("due"); });
    v.loop.call_soon([&] {
      log.push_back("ready");
      v.loop.call_soon([&] { log.push_back("later"); });
    });
  });
  for (int i = 0; i < 3; ++i) v.run_once();
  EXPECT_EQ(log, (Log{"ready", "due", "later"}));
}

TEST(Step3_Timers, AHandleSaysWhenItIsDue) {  // AIO-03
  VirtualLoop v;
  v.clock.advance(10s);
  const TimerHandle later = v.loop.call_later(1500ms, nothing);
  const TimerHandle at_time = v.loop.call_at(at(7s), nothing);
  EXPECT_EQ(later.when(), at(11500ms));
  EXPECT_EQ(at_time.when(), at(7s));
  EXPECT_EQ(v.loop.call_later(std::chrono::duration<double>(0.25), nothing).when(), at(10250ms));
  v.clock.advance(20s);
  v.run_once();
  EXPECT_EQ(later.when(), at(11500ms)) << "also when it has run";
}

TEST(Step3_Timers, DelaysBeyondTheClockEndWhereItEnds) {
  VirtualLoop v;
  v.clock.advance(1h);
  EXPECT_EQ(v.loop.call_later(std::chrono::hours::max(), nothing).when(), TimePoint::max());
  EXPECT_EQ(v.loop.call_later(std::chrono::hours::min(), nothing).when(), TimePoint::min());
  EXPECT_EQ(v.loop.call_later(std::chrono::duration<double>(INFINITY), nothing).when(), TimePoint::max());
  EXPECT_THROW(v.loop.call_later(std::chrono::duration<double>(NAN), nothing), std::invalid_argument);
}

TEST(Step3_Timers, ACancelledTimerDoesNotRunAndItsCallbackIsDestroyedAtOnce) {  // AIO-06
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Log log;
  TimerHandle handle = v.loop.call_later(1s, [&, counted = Counted(alive)] { log.push_back("cancelled"); });
  v.loop.call_later(1s, [&] { log.push_back("other"); });
  handle.cancel();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(handle.cancelled());
  handle.cancel();
  v.clock.advance(2s);
  v.run_once();
  EXPECT_EQ(log, Log{"other"});
  handle.cancel();
  v.run_once();
}

TEST(Step3_Timers, ADueTimerMayBeCancelledByAnotherOfThePass) {  // AIO-06
  VirtualLoop v;
  Log log;
  TimerHandle second;
  v.loop.call_later(1s, [&] { second.cancel(); });
  second = v.loop.call_later(2s, [&] { log.push_back("second"); });
  v.clock.advance(3s);
  v.run_once();
  EXPECT_EQ(log, Log());
}

TEST(Step3_Timers, CancellingATimerThatHasRunOrTwiceDisturbsNoOther) {  // AIO-06
  VirtualLoop v;
  TimerHandle ran = v.loop.call_later(0s, [&] { v.note("first"); });
  v.run_once();
  ran.cancel();
  for (int i = 0; i < 3; ++i) {
    TimerHandle cancelled = v.loop.call_later(1s, nothing);
    cancelled.cancel();
    cancelled.cancel();
    v.run_once();
  }
  v.loop.call_later(2s, [&] { v.note("second"); });
  v.loop.call_later(1s, nothing).cancel();
  v.clock.advance(2s);
  v.run_once();
  EXPECT_EQ(v.log, (Log{"0 first", "4 second"}));
}

TEST(Step3_Timers, EqualTimesKeepTheirOrderThoughOthersHaveRunMeanwhile) {  // AIO-04
  VirtualLoop v;
  Log log;
  for (int i = 0; i < 3; ++i) v.loop.call_at(at(1s), nothing);
  for (const char* name : {"a", "b"}) v.loop.call_at(at(9s), [&log, name] { log.push_back(name); });
  v.clock.advance(1s);
  v.run_once();
  for (const char* name : {"c", "d"}) v.loop.call_at(at(9s), [&log, name] { log.push_back(name); });
  v.clock.advance(9s);
  v.run_once();
  EXPECT_EQ(log, (Log{"a", "b", "c", "d"}));
}

TEST(Step3_Timers, ADelayBeginsWhenTheTimerIsSet) {  // AIO-03
  VirtualLoop v;
  TimerHandle timer;
  v.loop.call_soon([&] {
    v.clock.advance(5s);
    timer = v.loop.call_later(1s, nothing);
  });
  v.run_once();
  EXPECT_EQ(timer.when(), at(6s)) << "not when the pass began";
}

TEST(Step3_Timers, ATimerIsDestroyedBeforeTheNextRunsThoughSomebodyHasItsHandle) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  int seen = -1;
  const TimerHandle handle = v.loop.call_later(1s, [counted = Counted(alive)] {});
  v.loop.call_later(2s, [&] { seen = alive; });
  v.clock.advance(2s);
  v.run_once();
  EXPECT_EQ(seen, 0);
}

TEST(Step3_Timers, WithoutMemoryATimerIsRefusedAndItsCallbackDestroyed) {
  const int refused = course::until_memory_suffices([](course::Memory& memory) {
    VirtualLoop v;
    std::atomic<int> alive = 0;
    std::vector<Duration> ran;
    ran.reserve(2);
    v.loop.call_later(1s, [&] { ran.push_back(1s); });
    const bool set = memory.suffices_for(
        [&] { v.loop.call_later(2s, [&, counted = Counted(alive)] { ran.push_back(2s); }); });
    EXPECT_EQ(alive, set ? 1 : 0) << "what is refused is destroyed, and nothing else is";
    v.clock.advance(2s);
    v.run_once();
    EXPECT_EQ(ran.size(), set ? 2u : 1u);
    EXPECT_EQ(alive, 0);
  });
  EXPECT_GT(refused, 0);
}

TEST(Step3_Timers, MemoryThatRunsOutInAPassLosesNoTimer) {
  // A pass may need none: then there is nothing to run out of.
  course::until_memory_suffices([](course::Memory& memory) {
    VirtualLoop v;
    std::vector<int> ran, expected;
    ran.reserve(100);
    for (int i = 0; i < 100; ++i) {
      v.loop.call_later(i * 1s, [&ran, i] { ran.push_back(i); });
      expected.push_back(i);
    }
    v.clock.advance(1h);
    static_cast<void>(memory.suffices_for([&] { v.run_once(); }));
    v.run_once();
    EXPECT_EQ(ran, expected) << "what was due runs in the next pass, once and in order";
  });
}

TEST(Step3_Timers, TheEndOfALoopDropsAllThatWaits) {  // AIO-12
  std::atomic<int> alive = 0;
  {
    VirtualLoop v;
    v.loop.call_soon([counted = Counted(alive)] {});
    v.loop.call_later(1s, [counted = Counted(alive)] {});
  }
  EXPECT_EQ(alive, 0);
}
