// Chapter 05, step 2: thieves.

#include "testing.hpp"
#include "work_stealing_deque.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

using concurrent::WorkStealingDeque;

TEST(Step2_Thieves, TheOldestItemIsStolenFirst) {
  WorkStealingDeque<int> deque;
  for (int i = 0; i < 10; ++i) deque.push(i);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(deque.steal(), i);
  EXPECT_EQ(deque.steal(), std::nullopt);
}

TEST(Step2_Thieves, BothEndsMeetInTheMiddle) {
  WorkStealingDeque<int> deque;
  for (int i = 0; i < 5; ++i) deque.push(i);
  EXPECT_EQ(deque.steal(), 0);
  EXPECT_EQ(deque.pop(), 4);
  EXPECT_EQ(deque.steal(), 1);
  EXPECT_EQ(deque.pop(), 3);
  EXPECT_EQ(deque.size(), 1u);
  EXPECT_EQ(deque.pop(), 2);
  EXPECT_EQ(deque.steal(), std::nullopt);
  EXPECT_EQ(deque.pop(), std::nullopt);
}

TEST(Step2_Thieves, StolenRoomIsUsedAgain) {
  WorkStealingDeque<int> deque(4);
  for (int i = 0; i < 1'000; ++i) {
    deque.push(i);
    deque.push(-i);
    ASSERT_EQ(deque.steal(), i);
    ASSERT_EQ(deque.pop(), -i);
  }
  EXPECT_EQ(deque.capacity(), 4u);
}

TEST(Step2_Thieves, ItGrowsRightWhereverItsItemsLie) {
  WorkStealingDeque<int> deque(4);
  for (int i = 0; i < 3; ++i) deque.push(-1);
  for (int i = 0; i < 3; ++i) deque.steal();  // now the items lie across the end of the slots
  for (int i = 0; i < 9; ++i) deque.push(i);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(deque.steal(), i);
}

TEST(Step2_Thieves, NumbersOfItemsMayGrowBeyondAnInt) {
  for (const int bits : {31, 32, 53, 62}) {
    WorkStealingDeque<int> deque(4, (std::int64_t{1} << bits) - 2);
    for (int i = 0; i < 4; ++i) deque.push(i);
    EXPECT_EQ(deque.size(), 4u);
    EXPECT_EQ(deque.steal(), 0) << "the items lie across number 2 to the " << bits;
    EXPECT_EQ(deque.pop(), 3);
    for (int i = 4; i < 8; ++i) deque.push(i);
    EXPECT_EQ(deque.capacity(), 8u);
    for (const int expected : {1, 2, 4}) EXPECT_EQ(deque.steal(), expected);
    for (const int expected : {7, 6, 5}) EXPECT_EQ(deque.pop(), expected);
    EXPECT_EQ(deque.pop(), std::nullopt);
    EXPECT_EQ(deque.steal(), std::nullopt);
  }
}

TEST(Step2_Thieves, NoItemIsLostOrDoubledBetweenThreads) {
  constexpr int items = 100'000;
  WorkStealingDeque<int> deque(2);
  std::vector<std::atomic<int>> seen(items);
  std::atomic<bool> over = false;
  {
    std::vector<std::jthread> thieves;
    for (int i = 0; i < 2; ++i)
      thieves.emplace_back([&] {
        while (!over || !deque.empty())
          if (const auto item = deque.steal()) ++seen[static_cast<std::size_t>(*item)];
      });
    for (int i = 0; i < items; ++i) {
      deque.push(i);
      if (i % 3 != 0) continue;
      if (const auto item = deque.pop()) ++seen[static_cast<std::size_t>(*item)];
    }
    over = true;
  }
  EXPECT_TRUE(std::ranges::all_of(seen, [](const auto& count) { return count == 1; }));
}
