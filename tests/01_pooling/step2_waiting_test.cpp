// Chapter 01, step 2: pop waits for an item, push waits for room.

#include "support.hpp"

#include <atomic>
#include <latch>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

TEST(Step2_Waiting, PopReturnsAtOnceWhatIsThere) {
  BlockingQueue<int> queue;
  queue.push(1);
  queue.push(2);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
}

TEST(Step2_Waiting, PopWaitsForPush) {
  BlockingQueue<int> queue;
  std::optional<int> got;
  std::thread consumer([&] { got = queue.pop(); });
  course::wait_until_others_block();
  queue.push(42);
  consumer.join();
  EXPECT_EQ(got, 42);
}

TEST(Step2_Waiting, ManyWaitingPopsGetAnItemEach) {
  constexpr int consumers = 4;
  BlockingQueue<int> queue;
  std::atomic<int> sum = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < consumers; ++i) threads.emplace_back([&] { sum += *queue.pop(); });
  course::wait_until_others_block();
  for (int i = 1; i <= consumers; ++i) queue.push(i);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(sum, 1 + 2 + 3 + 4);
}

TEST(Step2_Waiting, AWokenPopWakesTheNextIfItemsAreLeft) {
  // The first consumer does not come back for the other items: someone else must have been woken for them.
  for (int round = 0; round < 3; ++round) {
    BlockingQueue<int> queue;
    std::latch all_have_one(3);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&] {
        wake_up_politely();
        queue.pop();
        all_have_one.arrive_and_wait();
      });
    course::wait_until_others_block();
    for (int i = 0; i < 3; ++i) queue.push(i);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(queue.size(), 0u);
  }
}

TEST(Step2_Waiting, APopThatHasWaitedCanWaitAgain) {
  BlockingQueue<int> queue;
  std::atomic<int> sum = 0;
  std::thread consumer([&] {
    for (int i = 0; i < 3; ++i) sum += *queue.pop();
  });
  for (int i = 1; i <= 3; ++i) {
    course::wait_until_others_block();
    queue.push(i);
  }
  consumer.join();
  EXPECT_EQ(sum, 1 + 2 + 3);
}

TEST(Step2_Waiting, APopThatHasItsItemWaitsNoLonger) {
  BlockingQueue<int> queue;
  EXPECT_EQ(queue.idle(), 0u);
  std::thread consumer([&] { queue.pop(); });
  course::wait_until_others_block();
  EXPECT_EQ(queue.idle(), 1u);
  queue.push(1);
  consumer.join();
  EXPECT_EQ(queue.idle(), 0u);
}

TEST(Step2_Waiting, WaitingUsesNoProcessorTime) {
  BlockingQueue<int> queue;
  std::thread consumer([&] { queue.pop(); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing")
      << "a pop() that waits is asleep: it must not look again and again";
  queue.push(1);
  consumer.join();
}

TEST(Step2_Waiting, PushWaitsWhileTheQueueIsFull) {
  BlockingQueue<int> queue(2);
  queue.push(1);
  queue.push(2);
  std::atomic<bool> pushed = false;
  std::thread producer([&] {
    queue.push(3);
    pushed = true;
  });
  course::wait_until_others_block();
  EXPECT_FALSE(pushed) << "a queue of capacity 2 has no room for a third item";
  EXPECT_EQ(queue.pop(), 1);
  producer.join();
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), 3);
}

TEST(Step2_Waiting, EachPopLetsAPushIn) {
  BlockingQueue<int> queue(1);
  queue.push(0);
  std::vector<std::thread> producers;
  for (int i = 1; i <= 3; ++i) producers.emplace_back([&, i] { queue.push(i); });
  course::wait_until_others_block();
  int sum = 0;
  for (int i = 0; i <= 3; ++i) sum += *queue.pop();
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(sum, 1 + 2 + 3);
}

TEST(Step2_Waiting, TryPopLetsAPushInToo) {
  BlockingQueue<int> queue(1);
  queue.push(1);
  std::thread producer([&] { queue.push(2); });
  course::wait_until_others_block();
  EXPECT_EQ(queue.try_pop(), 1);
  producer.join();  // hangs if the room was not given back, or nobody was told
  EXPECT_EQ(queue.pop(), 2);
}

TEST(Step2_Waiting, ACapacityOfZeroIsRefused) {
  EXPECT_THROW(BlockingQueue<int>(0), std::invalid_argument);
  BlockingQueue<int> queue(1);
  queue.push(5);
  EXPECT_EQ(queue.pop(), 5);
}
