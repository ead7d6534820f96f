// Chapter 06, step 3: what is due at a time.

#include "support.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <set>
#include <stdexcept>

using asyncio::Timer;
using asyncio::TimerHeap;

namespace {

class TestTimer final : public Timer {
 public:
  TestTimer(TimePoint when, int number) : Timer(when), number(number) {}
  void run() override {}
  void drop() noexcept override {}
  const std::type_info& type() const noexcept override { return typeid(TestTimer); }

  const int number;
};

/// Empties `heap`, and returns the numbers of the timers in the order in which they came out.
std::vector<int> numbers_of(TimerHeap& heap) {
  std::vector<int> numbers;
  while (!heap.empty()) {
    const Ref<Timer> timer = heap.pop();
    numbers.push_back(static_cast<TestTimer&>(*timer).number);
  }
  return numbers;
}

}  // namespace

TEST(Step3_Timers, TheHeapGivesTheEarliestFirst) {
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::mt19937 random(1);
  std::vector<int> numbers(300);
  for (int i = 0; i < 300; ++i) numbers[static_cast<std::size_t>(i)] = i;
  const std::vector<int> sorted = numbers;
  std::ranges::shuffle(numbers, random);
  for (const int number : numbers) heap.push(pool->make<TestTimer>(at(number * 1s), number));
  EXPECT_EQ(heap.size(), 300u);
  EXPECT_EQ(heap.next().time_since_epoch(), 0s);
  const std::vector<int> came = numbers_of(heap);
  ASSERT_EQ(came.size(), sorted.size());
  const auto [wrong, right] = std::ranges::mismatch(came, sorted);
  EXPECT_TRUE(wrong == came.end()) << "timer " << *wrong << " comes out when it is the turn of " << *right;
}

TEST(Step3_Timers, TheHeapStaysInOrderWhilePushAndPopAlternate) {
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::mt19937 random(1);
  std::multiset<Duration> expected;
  for (int i = 0; i < 2'000; ++i) {
    if (random() % 3 != 0 || heap.empty()) {
      const Duration time(random() % 1'000);
      heap.push(pool->make<TestTimer>(at(time), i));
      expected.insert(time);
    } else {
      const Ref<Timer> timer = heap.pop();
      ASSERT_EQ(timer->when().time_since_epoch(), *expected.begin());
      expected.erase(expected.begin());
    }
  }
}

TEST(Step3_Timers, EqualTimesAreFirstComeFirstServed) {  // AIO-04
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::vector<int> expected;
  for (int i = 0; i < 50; ++i) heap.push(pool->make<TestTimer>(at(i % 2 == 0 ? 1s : 2s), i));
  for (int i = 0; i < 50; i += 2) expected.push_back(i);
  for (int i = 1; i < 50; i += 2) expected.push_back(i);
  EXPECT_EQ(numbers_of(heap), expected);
}

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

TEST(Step3_Timers, CancelledTimersInFrontAreDropped) {  // AIO-07
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::vector<Ref<TestTimer>> timers;
  for (int i = 0; i < 10; ++i) {
    timers.push_back(pool->make<TestTimer>(at(i * 1s), i));
    heap.push(timers.back());
  }
  for (int i : {0, 1, 2, 5}) timers[static_cast<std::size_t>(i)]->cancel();
  heap.drop_cancelled();
  EXPECT_EQ(heap.size(), 7u) << "0, 1 and 2 are in front, and 5 is not";
  EXPECT_EQ(heap.next().time_since_epoch(), 3s);
  EXPECT_EQ(numbers_of(heap), (std::vector{3, 4, 5, 6, 7, 8, 9}));
}

TEST(Step3_Timers, AHeapOfCancelledTimersBecomesEmpty) {  // AIO-07
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  for (int i = 0; i < 10; ++i) {
    const Ref<TestTimer> timer = pool->make<TestTimer>(at(i * 1s), i);
    heap.push(timer);
    timer->cancel();
  }
  heap.drop_cancelled();
  EXPECT_TRUE(heap.empty());
}

TEST(Step3_Timers, MoreThanHalfOfMoreThanAHundredAreDroppedWhereverTheyAre) {  // AIO-07
  const auto size_after = [](int timers, int cancelled) {
    const NodePool::Owner pool = NodePool::create();
    TimerHeap heap;
    std::vector<Ref<TestTimer>> all;
    for (int i = 0; i < timers; ++i) {
      all.push_back(pool->make<TestTimer>(at(i * 1s), i));
      heap.push(all.back());
    }
    for (int i = 0; i < cancelled; ++i) all[all.size() - 1 - static_cast<std::size_t>(i)]->cancel();
    heap.drop_cancelled();
    const std::size_t size = heap.size();
    std::vector<int> expected(static_cast<std::size_t>(timers));
    for (int i = 0; i < timers; ++i) expected[static_cast<std::size_t>(i)] = i;
    expected.resize(size);
    EXPECT_EQ(numbers_of(heap), expected);
    return size;
  };
  EXPECT_EQ(size_after(100, 99), 100u) << "a hundred are not more than a hundred";
  EXPECT_EQ(size_after(102, 51), 102u) << "half is not more than half";
  EXPECT_EQ(size_after(102, 52), 50u);
  EXPECT_EQ(size_after(1'000, 900), 100u);
}

TEST(Step3_Timers, SettingAndCancellingTimersAllocatesNothingInSteadyState) {  // AIO-07
  VirtualLoop v;
  v.loop.call_later(1min, nothing);  // first of all: what is cancelled lies behind it
  const auto round = [&] {
    for (int i = 0; i < 100; ++i) v.loop.call_later(1h, nothing).cancel();
    v.run_once();
  };
  for (int i = 0; i < 10; ++i) round();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 1'000; ++i) round();
            }),
            NodePool::recycles ? 0u : 100'000u)
      << "what was cancelled must not stay until it would have been due";
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
