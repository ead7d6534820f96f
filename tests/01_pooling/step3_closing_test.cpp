// Chapter 01, step 3: the end.

#include "support.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

TEST(Step3_Closing, PushAfterCloseThrowsClosed) {
  BlockingQueue<int> queue;
  EXPECT_FALSE(queue.closed());
  queue.close();
  EXPECT_TRUE(queue.closed());
  EXPECT_THROW(queue.push(1), concurrent::Closed);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(Step3_Closing, PopDrainsAClosedQueueThenReturnsNothing) {
  BlockingQueue<int> queue;
  queue.push(1);
  queue.push(2);
  queue.close();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), std::nullopt);
  EXPECT_EQ(queue.pop(), std::nullopt);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST(Step3_Closing, CloseWakesEveryPopThatWaits) {
  BlockingQueue<int> queue;
  std::atomic<int> empty_handed = 0;
  std::vector<std::thread> consumers;
  for (int i = 0; i < 3; ++i) consumers.emplace_back([&] { empty_handed += !queue.pop(); });
  course::wait_until_others_block();
  queue.close();
  for (auto& consumer : consumers) consumer.join();
  EXPECT_EQ(empty_handed, 3);
}

TEST(Step3_Closing, CloseWakesEveryPushThatWaits) {
  BlockingQueue<int> queue(1);
  queue.push(0);
  std::atomic<int> refused = 0;
  std::vector<std::thread> producers;
  for (int i = 0; i < 3; ++i)
    producers.emplace_back([&] {
      try {
        queue.push(1);
      } catch (const concurrent::Closed&) {
        ++refused;
      }
    });
  course::wait_until_others_block();
  queue.close();
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(queue.size(), 1u);
}

TEST(Step3_Closing, ClosingTwiceDoesNothing) {
  BlockingQueue<int> queue;
  queue.push(1);
  queue.close();
  queue.close();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(Step3_Closing, ARefusedItemIsDestroyed) {
  BlockingQueue<std::shared_ptr<int>> queue(1);
  queue.push(nullptr);
  auto item = std::make_shared<int>(1);
  std::thread producer([&] { EXPECT_THROW(queue.push(item), concurrent::Closed); });
  course::wait_until_others_block();
  queue.close();
  producer.join();
  EXPECT_THROW(queue.push(item), concurrent::Closed);
  EXPECT_EQ(item.use_count(), 1) << "neither the push that waited nor the one that came later kept the item";
}
