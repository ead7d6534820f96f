// Chapter 06, step 8: the heap of timers.

#include "nodes.hpp"
#include "timer_heap.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <numeric>
#include <random>
#include <set>
#include <utility>

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

TEST(Step8_TimerHeap, TheHeapGivesTheEarliestFirst) {
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

TEST(Step8_TimerHeap, TheHeapStaysInOrderWhilePushAndPopAlternate) {
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

TEST(Step8_TimerHeap, EqualTimesAreFirstComeFirstServedWhilePushAndPopAlternate) {  // AIO-04
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::mt19937 random(1);
  std::set<std::pair<Duration, int>> expected;
  for (int i = 0; i < 2'000; ++i) {
    if (random() % 3 != 0 || heap.empty()) {
      const Duration time(random() % 10);
      heap.push(pool->make<TestTimer>(at(time), i));
      expected.emplace(time, i);
    } else {
      const Ref<Timer> timer = heap.pop();
      ASSERT_EQ(static_cast<TestTimer&>(*timer).number, expected.begin()->second);
      expected.erase(expected.begin());
    }
  }
}

TEST(Step8_TimerHeap, WhatIsLeftWhenManyWereCancelledIsAHeap) {  // AIO-07
  std::mt19937 random(1);
  for (int size = 200; size < 300; ++size) {
    const NodePool::Owner pool = NodePool::create();
    TimerHeap heap;
    std::vector<int> numbers(static_cast<std::size_t>(size)), expected;
    std::iota(numbers.begin(), numbers.end(), 0);
    std::ranges::shuffle(numbers, random);
    std::vector<Ref<TestTimer>> timers;
    for (const int number : numbers) {
      timers.push_back(pool->make<TestTimer>(at(number * 1s), number));
      heap.push(timers.back());
    }
    for (const Ref<TestTimer>& timer : timers)
      if (timer->number % 5 < 3)
        timer->cancel();
      else
        expected.push_back(timer->number);
    std::ranges::sort(expected);
    heap.drop_cancelled();
    for (int number = size; number < 2 * size; ++number) {
      heap.push(pool->make<TestTimer>(at(number * 1s), number));
      expected.push_back(number);
    }
    ASSERT_EQ(numbers_of(heap), expected) << "of " << size << " timers";
  }
}

TEST(Step8_TimerHeap, EqualTimesAreFirstComeFirstServed) {  // AIO-04
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::vector<int> expected;
  for (int i = 0; i < 50; ++i) heap.push(pool->make<TestTimer>(at(i % 2 == 0 ? 1s : 2s), i));
  for (int i = 0; i < 50; i += 2) expected.push_back(i);
  for (int i = 1; i < 50; i += 2) expected.push_back(i);
  EXPECT_EQ(numbers_of(heap), expected);
}

TEST(Step8_TimerHeap, CancelledTimersInFrontAreDropped) {  // AIO-07
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

TEST(Step8_TimerHeap, AHeapOfCancelledTimersBecomesEmpty) {  // AIO-07
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

TEST(Step8_TimerHeap, MoreThanHalfOfMoreThanAHundredAreDroppedWhereverTheyAre) {  // AIO-07
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
