// Chapter 11, step 8: what waiting costs.

#include "barrier.hpp"
#include "lock.hpp"
#include "queue.hpp"
#include "semaphore.hpp"

#include "support.hpp"

#include "sanitizers.hpp"

using asyncio::Barrier;
using asyncio::Lock;
using asyncio::Queue;
using asyncio::Semaphore;
using course::allocations_in;

namespace {

constexpr int rounds = 1'000;

/// Runs what `make()` gives, twice: first to let everything grow. @returns how much the second run allocates
template <class F>
std::size_t allocations_of(VirtualLoop& v, F make) {
  v.loop.run_until_complete(make());
  return allocations_in([&] { v.loop.run_until_complete(make()); });
}

/// Starts three of them, so that two wait, and waits for all.
template <class F>
Coro<> three(F body) {
  const Task<> one = asyncio::create_task(body());
  const Task<> other = asyncio::create_task(body());
  const Task<> third = asyncio::create_task(body());
  co_await one;
  co_await other;
  co_await third;
}

/// A few are for the tasks themselves. With AddressSanitizer, pools keep nothing.
void expect_few(std::size_t allocations) {
  if (!asyncio::address_sanitizer) {
    EXPECT_LE(allocations, 10u);
  }
}

}  // namespace

TEST(Step8_Costs, HandingALockOverAllocatesNothing) {
  VirtualLoop v;
  Lock lock;
  const auto body = [&]() -> Coro<> {
    for (int i = 0; i < rounds; ++i) {
      const auto held = co_await lock.scoped();
      co_await sleep(0s);
    }
  };
  expect_few(allocations_of(v, [&] { return three(body); }));
}

TEST(Step8_Costs, AQueueOfTasksAtASemaphoreAllocatesNothing) {
  VirtualLoop v;
  Semaphore semaphore(1);
  const auto body = [&]() -> Coro<> {
    for (int i = 0; i < rounds; ++i) {
      const auto held = co_await semaphore.scoped();
      co_await sleep(0s);
    }
  };
  expect_few(allocations_of(v, [&] { return three(body); }));
}

TEST(Step8_Costs, AnItemThroughAFullQueueAllocatesNothing) {
  VirtualLoop v;
  Queue<int> queue(1);
  const auto main = [&]() -> Coro<> {
    const auto produce = [&]() -> Coro<> {
      for (int i = 0; i < rounds; ++i) co_await queue.put(i);
    };
    const Task<> producers = asyncio::create_task(three(produce));
    for (int i = 0; i < 3 * rounds; ++i) co_await queue.get();
    co_await producers;
  };
  expect_few(allocations_of(v, main));
}

TEST(Step8_Costs, AnItemThroughAnEmptyQueueAllocatesNothing) {
  VirtualLoop v;
  Queue<int> queue;
  const auto main = [&]() -> Coro<> {
    const auto consume = [&]() -> Coro<> {
      for (int i = 0; i < rounds; ++i) co_await queue.get();
    };
    const Task<> consumers = asyncio::create_task(three(consume));
    for (int i = 0; i < 3 * rounds; ++i) {
      co_await sleep(0s);
      co_await queue.put(i);
    }
    co_await consumers;
  };
  expect_few(allocations_of(v, main));
}

TEST(Step8_Costs, ToWakeManyOneByOneTakesAStepForEach) {
  constexpr int tasks = 50'000;  // with a step for each pair of them, this test is not over in time
  VirtualLoop v;
  Queue<int> queue;
  Semaphore semaphore(0);
  const auto main = [&]() -> Coro<> {
    const auto body = [&]() -> Coro<> {
      co_await queue.get();
      co_await semaphore.acquire();
    };
    std::vector<Task<>> all;
    for (int i = 0; i < tasks; ++i) all.push_back(asyncio::create_task(body()));
    co_await sleep(0s);
    for (int i = 0; i < tasks; ++i) queue.put_nowait(i);
    co_await sleep(0s);
    for (int i = 0; i < tasks; ++i) semaphore.release();
    for (const Task<>& task : all) co_await task;
  };
  v.loop.run_until_complete(main());
  EXPECT_TRUE(queue.empty());
}

TEST(Step8_Costs, ABarrierAllocatesNothing) {
  VirtualLoop v;
  Barrier barrier(3);
  const auto body = [&]() -> Coro<> {
    for (int i = 0; i < rounds; ++i) co_await barrier.wait();
  };
  expect_few(allocations_of(v, [&] { return three(body); }));
}
