// Chapter 01, step 1: a queue that answers at once.

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

TEST(Step1_AnsweringAtOnce, ItemsComeOutInTheOrderInWhichTheyWentIn) {
  BlockingQueue<int> queue;
  for (int i = 0; i < 100; ++i) queue.push(i);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(queue.try_pop(), i);
}

TEST(Step1_AnsweringAtOnce, OrderHoldsWhenPushAndPopAlternate) {
  BlockingQueue<int> queue;
  int in = 0, out = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 3; ++i) queue.push(in++);
    for (int i = 0; i < 2; ++i)
      ASSERT_EQ(queue.try_pop(), out++) << "there are items left when new ones come in";
  }
}

TEST(Step1_AnsweringAtOnce, TryPopOfAnEmptyQueueReturnsNothing) {
  BlockingQueue<int> queue;
  EXPECT_EQ(queue.try_pop(), std::nullopt);
  queue.push(1);
  EXPECT_EQ(queue.try_pop(), 1);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST(Step1_AnsweringAtOnce, SizeCountsTheItems) {
  BlockingQueue<int> queue;
  EXPECT_EQ(queue.size(), 0u);
  for (int i = 0; i < 3; ++i) queue.push(i);
  EXPECT_EQ(queue.size(), 3u);
  queue.try_pop();
  EXPECT_EQ(queue.size(), 2u);
}

TEST(Step1_AnsweringAtOnce, ItemsThatOnlyMoveAreMoved) {
  BlockingQueue<std::unique_ptr<int>> queue;
  queue.push(std::make_unique<int>(7));
  EXPECT_EQ(**queue.try_pop(), 7);
}

TEST(Step1_AnsweringAtOnce, NoItemIsLostOrDoubledBetweenThreads) {
  constexpr int per_thread = 20'000;
  BlockingQueue<int> queue;
  std::vector<std::atomic<int>> seen(2 * per_thread);
  std::atomic<int> taken = 0;
  {
    std::vector<std::jthread> threads;
    for (int producer = 0; producer < 2; ++producer)
      threads.emplace_back([&, producer] {
        for (int i = 0; i < per_thread; ++i) queue.push(producer * per_thread + i);
      });
    for (int consumer = 0; consumer < 2; ++consumer)
      threads.emplace_back([&] {
        while (taken < 2 * per_thread)
          if (const auto item = queue.try_pop()) {
            ++seen[*item];
            ++taken;
          }
      });
  }
  EXPECT_EQ(std::ranges::count_if(seen, [](int times) { return times == 0; }), 0)
      << "so many items were pushed and never came out";
  EXPECT_EQ(std::ranges::count_if(seen, [](int times) { return times > 1; }), 0) << "so many came out twice";
  EXPECT_EQ(queue.size(), 0u);
}
