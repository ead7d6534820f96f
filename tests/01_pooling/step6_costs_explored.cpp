// Chapter 01, step 6: locks and wake-ups, counted.

#include "blocking_queue.hpp"
#include "thread_pool.hpp"

#include <atomic>
#include <cstdint>
#include <thread>

#include "explore.hpp"

using concurrent::BlockingQueue;
using concurrent::ThreadPool;

namespace {

/// Nobody is interrupted: a thread goes on until it waits, so what it does is done before others have come.
constexpr explore::Options uninterrupted{
    .preemptions = 0, .spurious = 0, .search = explore::Search::systematic};

/// Counts the locks that this thread takes in `fn()`.
template <class F>
std::uint32_t locks_in(F fn) {
  const auto before = explore::costs().locks;
  fn();
  return explore::costs().locks - before;
}

/// Counts the notifications that this thread makes in `fn()`.
template <class F>
std::uint32_t notifications_in(F fn) {
  const auto before = explore::costs().notifications;
  fn();
  return explore::costs().notifications - before;
}

}  // namespace

TEST(Step6_MakeItFast, WhileNobodyWaitsNobodyIsWoken) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    const auto before = explore::costs().notifications;
    for (int item = 0; item < 3; ++item) queue.push(int(item));
    queue.pop();
    queue.try_pop();
    EXPECT_EQ(explore::costs().notifications, before) << "nobody waits, neither for an item nor for room";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_MakeItFast, AThousandPushesCostOneWakeUpUntilSomebodyHasCome) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::jthread a([&] { queue.pop(); });
    std::jthread b([&] { queue.pop(); });
    std::jthread c([&] { queue.pop(); });
    while (queue.idle() < 3) std::this_thread::yield();
    EXPECT_LE(notifications_in([&] {
                for (int item = 0; item < 1'000; ++item) queue.push(int(item));
              }),
              1u)
        << "one pop() has been woken and has not come yet: it can wake the next";
  };
  explore::Options a_few = uninterrupted;
  a_few.schedules = 100;  // a thousand pushes take a while, and who looks or sleeps first makes no difference
  EXPECT_TRUE(explore::survives(scenario, a_few));
}

TEST(Step6_MakeItFast, AWokenPopWakesTheNextOnlyIfThereIsAnItemForIt) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::atomic<int> notifications = 0, popped = 0;
    const auto consume = [&] {
      notifications += static_cast<int>(notifications_in([&] { queue.pop(); }));
      ++popped;
    };
    std::jthread a(consume), b(consume);
    while (queue.idle() < 2) std::this_thread::yield();
    queue.push(1);
    while (popped < 1) std::this_thread::yield();
    EXPECT_EQ(notifications, 0) << "the item was the only one";
    queue.push(2);
  };
  EXPECT_TRUE(explore::survives(scenario, uninterrupted));
}

TEST(Step6_MakeItFast, APopLooksForAMomentBeforeItSleepsAndAPushMeanwhileNotifiesNobody) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::jthread consumer([&] {
      for (int item = 0; item < 3; ++item) queue.pop();
    });
    for (int item = 0; item < 3; ++item) {
      while (queue.idle() < 1) std::this_thread::yield();
      EXPECT_EQ(notifications_in([&] { queue.push(int(item)); }), 0u)
          << "the pop() has only begun to wait: it can see the item by itself";
    }
  };
  EXPECT_TRUE(explore::survives(scenario, uninterrupted));
}

TEST(Step6_MakeItFast, APopThatLooksIsToldBeforeOneThatSleeps) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::jthread sleeper([&] { queue.pop(); });
    while (queue.idle() < 1) std::this_thread::yield();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();  // it has looked long enough, and sleeps
    std::jthread looker([&] { queue.pop(); });
    while (queue.idle() < 2) std::this_thread::yield();
    EXPECT_EQ(notifications_in([&] { queue.push(1); }), 0u) << "one looks, so nobody need be woken";
    queue.push(2);
  };
  EXPECT_TRUE(explore::survives(scenario, uninterrupted));
}

TEST(Step6_MakeItFast, WhileItemsAreLeftAPopCostsOneLockAndSoDoesAPush) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    const auto push = [&] { queue.push(1); };
    EXPECT_LE(locks_in(push), 1u);
    EXPECT_LE(locks_in(push), 1u);
    EXPECT_LE(locks_in(push), 1u);
    queue.pop();  // may take more: it is the first
    EXPECT_LE(locks_in([&] { queue.pop(); }), 1u) << "nobody waits: a pop() need not know of the other end";
    EXPECT_LE(locks_in([&] { queue.try_pop(); }), 1u);
  };
  EXPECT_TRUE(explore::survives(scenario, uninterrupted));
}

TEST(Step6_MakeItFast, WhenAllWorkersHaveStartedAPostTakesOneLock) {
  const auto scenario = [] {
    ThreadPool pool{{.max_workers = 1}};
    pool.post([] {});
    EXPECT_LE(locks_in([&] { pool.post([] {}); }), 1u) << "the queue's: nothing else is left to be decided";
  };
  EXPECT_TRUE(explore::survives(scenario, uninterrupted));
}
