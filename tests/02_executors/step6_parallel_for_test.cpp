// Chapter 02, step 6: a loop on any executor.

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <memory>
#include <numeric>
#include <ranges>
#include <semaphore>
#include <set>
#include <string>
#include <thread>
#include <vector>

using concurrent::parallel_for;

TEST(Step6_ParallelFor, EveryItemIsVisitedOnce) {
  std::vector<std::atomic<int>> visits(1'000);
  ThreadPoolExecutor pool{{.max_workers = 4}};
  parallel_for(pool, visits, [](std::atomic<int>& count) { ++count; });
  EXPECT_TRUE(std::ranges::all_of(visits, [](const auto& count) { return count == 1; }));
}

TEST(Step6_ParallelFor, TheItemsAreTheRangesOwn) {
  std::vector<int> numbers(100);
  std::iota(numbers.begin(), numbers.end(), 0);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  parallel_for(pool, numbers, [](int& number) { number *= number; });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(numbers[static_cast<std::size_t>(i)], i * i);
}

TEST(Step6_ParallelFor, AnyForwardRangeWillDo) {
  std::atomic<int> sum = 0;
  const auto add = [&](int number) { sum += number; };
  ThreadPoolExecutor pool{{.max_workers = 2}};
  parallel_for(pool, std::views::iota(1, 11), add);
  EXPECT_EQ(sum, 55);
  const std::vector<int> constant{100, 200};
  parallel_for(pool, constant, add);
  EXPECT_EQ(sum, 355);
  const std::set<int> tree{1'000, 2'000};
  parallel_for(pool, tree | std::views::transform([](int number) { return number * 10; }), add);
  EXPECT_EQ(sum, 30'355);
  int array[] = {1, 2};
  parallel_for(pool, array, add);
  EXPECT_EQ(sum, 30'358);
}

TEST(Step6_ParallelFor, AnEmptyRangeIsDoneAtOnce) {
  int visits = 0;
  ManualExecutor executor;  // nobody runs it
  parallel_for(executor, std::vector<int>(), [&](int) { ++visits; });
  EXPECT_EQ(visits, 0);
}

TEST(Step6_ParallelFor, TheWorkRunsOnTheExecutor) {
  std::set<std::string> names;
  ThreadPoolExecutor pool{{.max_workers = 1, .thread_name_prefix = "cook"}};
  parallel_for(pool, std::views::iota(0, 3), [&](int) { names.insert(concurrent::thread_name()); });
  EXPECT_EQ(names, std::set<std::string>{"cook_0"});
}

TEST(Step6_ParallelFor, EachItemIsAJobOfItsOwn) {
  std::barrier all(3);  // hangs unless three items are worked on at the same time
  ThreadPoolExecutor pool{{.max_workers = 3}};
  parallel_for(pool, std::views::iota(0, 3), [&](int) { all.arrive_and_wait(); });
}

TEST(Step6_ParallelFor, ItReturnsWhenAllCallsHaveEnded) {
  int visits = 0;
  bool returned = false;
  ManualExecutor executor;
  std::thread caller([&] {
    parallel_for(executor, std::views::iota(0, 3), [&](int) { ++visits; });
    returned = visits == 3;
  });
  for (int i = 0; i < 3; ++i) {
    course::wait_until_others_block();
    EXPECT_FALSE(returned);
    EXPECT_TRUE(executor.run_one());
  }
  caller.join();
  EXPECT_TRUE(returned);
}

TEST(Step6_ParallelFor, TheCallerSleepsWhileItWaits) {
  ManualExecutor executor;
  std::thread caller([&] { parallel_for(executor, std::views::iota(0, 1), [](int) {}); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  executor.run_all();
  caller.join();
}

TEST(Step6_ParallelFor, OnAnInlineExecutorItIsASequentialLoop) {
  std::vector<int> order;
  InlineExecutor executor;
  parallel_for(executor, std::views::iota(0, 10), [&](int item) { order.push_back(item); });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Step6_ParallelFor, OnASerialExecutorItNeedsNoLockAndKeepsTheOrder) {
  std::vector<int> order;
  ThreadPoolExecutor pool{{.max_workers = 4}};
  SerialExecutor strand(pool);
  parallel_for(strand, std::views::iota(0, 1'000), [&](int item) { order.push_back(item); });
  ASSERT_EQ(order.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step6_ParallelFor, AllCallsShareTheFunction) {
  struct Adder {
    int total = 0;
    int* sum;
    void operator()(int number) { *sum = total += number; }
  };
  int sum = 0;
  InlineExecutor executor;
  parallel_for(executor, std::views::iota(1, 5), Adder{.sum = &sum});
  EXPECT_EQ(sum, 10) << "fn is called again and again, not copied for each item";
}

TEST(Step6_ParallelFor, MembersCanBeCalledToo) {
  struct Dish {
    bool done = false;
    void cook() { done = true; }
  };
  std::vector<Dish> dishes(3);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  parallel_for(pool, dishes, &Dish::cook);
  EXPECT_TRUE(std::ranges::all_of(dishes, &Dish::done));
}

TEST(Step6_ParallelFor, WhatTheWorkUsesMayGoWhenItReturns) {
  // The last worker may still be on its way out of the job: it must not touch anything of the caller's then.
  ThreadPoolExecutor pool{{.max_workers = 2}};
  for (int round = 0; round < 2'000; ++round) {
    const auto numbers = std::make_unique<std::vector<int>>(2, round);
    auto seen = std::make_unique<std::atomic<int>>(0);
    parallel_for(pool, *numbers, [&seen = *seen](int number) { seen += number; });
    ASSERT_EQ(*seen, 2 * round);
  }
}

TEST(Step6_ParallelFor, AWorkerMayCallItWhileAnotherIsFree) {  // CF-47
  std::atomic<int> visits = 0;
  std::binary_semaphore done(0);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  pool.post([&] {
    parallel_for(pool, std::views::iota(0, 10), [&](int) { ++visits; });
    done.release();
  });
  done.acquire();
  EXPECT_EQ(visits, 10);
}

TEST(Step6_ParallelFor, TheOnlyWorkerThatCallsItWaitsForItself) {  // CF-47
  std::atomic<int> visits = 0;
  std::atomic<bool> cancelled = false;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  pool.post([&] {
    try {
      parallel_for(pool, std::views::iota(0, 10), [&](int) { ++visits; });
    } catch (const concurrent::CancelledError&) {
      cancelled = true;
    }
  });
  course::wait_until_others_block();
  EXPECT_EQ(visits, 0) << "the calls are queued behind the job that waits for them";
  pool.shutdown({.wait = false, .cancel_futures = true});  // the only way out
  pool.shutdown();
  EXPECT_EQ(visits, 0);
  EXPECT_TRUE(cancelled);
}

namespace {

/// Iterates over one number. A copy that dies on another thread waits until all others wait, and looks then
/// whether parallel_for() has returned.
struct LingeringIterator {
  using value_type = int;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::forward_iterator_tag;

  LingeringIterator() = default;
  LingeringIterator(int at, std::atomic<bool>* returned, std::atomic<bool>* late)
      : at(at), returned(returned), late(late) {}
  LingeringIterator(const LingeringIterator&) = default;
  LingeringIterator& operator=(const LingeringIterator&) = default;
  ~LingeringIterator() {
    if (!returned || owner == std::this_thread::get_id()) return;
    course::wait_until_others_block();
    if (*returned) *late = true;
  }

  int operator*() const { return at; }
  LingeringIterator& operator++() {
    ++at;
    return *this;
  }
  LingeringIterator operator++(int) {
    LingeringIterator before = *this;
    ++at;
    return before;
  }
  bool operator==(const LingeringIterator& other) const { return at == other.at; }

  int at = 0;
  std::atomic<bool>* returned = nullptr;
  std::atomic<bool>* late = nullptr;
  std::thread::id owner = std::this_thread::get_id();
};

}  // namespace

TEST(Step6_ParallelFor, WhatAJobHasOfTheItemsIsGoneWhenItReturns) {
  std::atomic<bool> returned = false, late = false;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  const std::ranges::subrange one(LingeringIterator(0, &returned, &late),
                                  LingeringIterator(1, nullptr, nullptr));
  parallel_for(pool, one, [](int) {});
  returned = true;
  pool.shutdown();
  EXPECT_FALSE(late) << "a job still had a copy of an iterator when parallel_for() had returned";
}
