// Chapter 01, step 6: what the queue costs, and the mistakes that a queue with two ends invites.

#include "support.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <semaphore>
#include <thread>
#include <utility>

namespace {

/// An item that stays in the middle of its move until a gate is open.
struct Slow {
  explicit Slow(Gate* gate = nullptr) : gate(gate) {}
  Slow(Slow&& other) noexcept : gate(std::exchange(other.gate, nullptr)) {
    if (gate && moves_slowly) gate->pass();
  }
  Slow& operator=(Slow&&) = delete;

  static inline thread_local bool moves_slowly = false;
  Gate* gate;
};

}  // namespace

TEST(Step6_MakeItFast, APushGoesThroughWhileAPopMovesItsItemOut) {
  BlockingQueue<Slow> queue;
  Gate gate;
  queue.push(Slow(&gate));
  std::jthread consumer([&] {
    Slow::moves_slowly = true;
    queue.pop();
  });
  gate.wait_until_entered();
  std::atomic<bool> pushed = false;
  std::jthread producer([&] {
    queue.push(Slow());
    pushed = true;
  });
  course::wait_until_others_block();
  EXPECT_TRUE(pushed) << "a push() waits for a pop() that is busy with another item";
  gate.open();
}

TEST(Step6_MakeItFast, APopGoesThroughWhileAPushMovesItsItemIn) {
  BlockingQueue<Slow> queue;
  Gate gate;
  for (int i = 0; i < 3; ++i) queue.push(Slow());
  queue.try_pop();
  std::jthread producer([&] {
    Slow last(&gate);
    Slow::moves_slowly = true;
    queue.push(std::move(last));
  });
  gate.wait_until_entered();
  std::atomic<int> popped = 0;
  std::jthread consumer([&] {
    popped += queue.pop().has_value();
    popped += queue.try_pop().has_value();
  });
  course::wait_until_others_block();
  EXPECT_EQ(popped, 2) << "a pop() waits for a push() that is busy with another item";
  gate.open();
}

TEST(Step6_MakeItFast, WhatIsAtTheHeadComesOutFirst) {
  BlockingQueue<int> queue;
  for (int i = 0; i < 3; ++i) queue.push(i);
  EXPECT_EQ(queue.try_pop(), 0);  // the other two are at the head now
  queue.push(3);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(queue.try_pop(), i);
}

TEST(Step6_MakeItFast, SizeCountsTheItemsAtBothEnds) {
  BlockingQueue<int> queue;
  EXPECT_EQ(queue.size(), 0u);
  for (int i = 0; i < 3; ++i) queue.push(i);
  EXPECT_EQ(queue.size(), 3u);
  queue.try_pop();  // moves the other two to the head
  queue.push(3);
  EXPECT_EQ(queue.size(), 3u) << "two items at the head and one at the tail";
}

TEST(Step6_MakeItFast, RoomAtTheHeadCountsToo) {
  BlockingQueue<int> queue(3);
  for (int i = 0; i < 3; ++i) queue.push(i);
  EXPECT_EQ(queue.try_pop(), 0);  // the other two are at the head now
  queue.push(3);                  // must not wait
  std::thread producer([&] { queue.push(4); });
  course::wait_until_others_block();
  EXPECT_EQ(queue.size(), 3u) << "the items at both ends count against the capacity";
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(queue.pop(), i);
  producer.join();
}

TEST(Step6_MakeItFast, AQueueThatHasGrownAllocatesNothing) {
  BlockingQueue<std::unique_ptr<int>> queue(3'000);
  const auto fill_and_drain = [&] {
    for (int i = 0; i < 3'000; ++i) queue.push(nullptr);
    for (int i = 0; i < 3'000; ++i) queue.pop();
  };
  for (int i = 0; i < 2; ++i) fill_and_drain();  // both ends have grown
  EXPECT_EQ(course::allocations_in(fill_and_drain), 0u);
}

TEST(Step6_MakeItFast, PostingASmallJobToAWarmPoolAllocatesNothing) {
  std::binary_semaphore done(0);
  ThreadPool pool{{.max_workers = 1}};
  const auto run_one = [&] {
    pool.post([&done] { done.release(); });
    done.acquire();
  };
  for (int i = 0; i < 4; ++i) run_one();  // the worker has started, and both ends of its queue have grown
  EXPECT_EQ(course::allocations_in(run_one), 0u);
}
