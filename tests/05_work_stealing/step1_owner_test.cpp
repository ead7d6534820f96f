// Chapter 05, step 1: a deque and its owner.

#include "testing.hpp"
#include "work_stealing_deque.hpp"

#include <optional>

using concurrent::WorkStealingDeque;

TEST(Step1_Owner, SizeCountsWhatWasPushed) {
  WorkStealingDeque<int> deque;
  EXPECT_TRUE(deque.empty());
  for (int i = 0; i < 3; ++i) deque.push(i);
  EXPECT_EQ(deque.size(), 3u);
  EXPECT_FALSE(deque.empty());
}

TEST(Step1_Owner, TheItemThatWasPushedLastComesOutFirst) {
  WorkStealingDeque<int> deque;
  for (int i = 0; i < 10; ++i) deque.push(i);
  for (int i = 9; i >= 0; --i) EXPECT_EQ(deque.pop(), i);
}

TEST(Step1_Owner, AnEmptyDequeGivesNothingAndStaysUsable) {
  WorkStealingDeque<int> deque;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(deque.pop(), std::nullopt);
  EXPECT_EQ(deque.size(), 0u);
  deque.push(7);
  EXPECT_EQ(deque.size(), 1u);
  EXPECT_EQ(deque.pop(), 7);
  EXPECT_EQ(deque.pop(), std::nullopt);
}

TEST(Step1_Owner, PushAndPopMayAlternate) {
  WorkStealingDeque<int> deque(4);
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 3; ++i) deque.push(3 * round + i);
    ASSERT_EQ(deque.pop(), 3 * round + 2);
    ASSERT_EQ(deque.pop(), 3 * round + 1);
    ASSERT_EQ(deque.pop(), 3 * round);
    ASSERT_EQ(deque.pop(), std::nullopt);
  }
  EXPECT_EQ(deque.capacity(), 4u) << "the slots are used again: it need not grow";
}

TEST(Step1_Owner, IfThereIsNoMemoryToGrowNothingHasChanged) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    WorkStealingDeque<int> deque(4);
    for (int i = 0; i < 4; ++i) deque.push(i);
    const bool pushed = memory.suffices_for([&] { deque.push(4); });
    EXPECT_EQ(deque.size(), pushed ? 5u : 4u);
    EXPECT_EQ(deque.capacity(), pushed ? 8u : 4u);
    if (!pushed) deque.push(4);
    for (int i = 4; i >= 0; --i) EXPECT_EQ(deque.pop(), i);
  });
  EXPECT_GT(failures, 0) << "a full deque grows, which takes memory";
}

TEST(Step1_Owner, AFullDequeDoublesItsRoom) {
  WorkStealingDeque<int> deque(2);
  for (int i = 0; i < 100; ++i) deque.push(i);
  EXPECT_EQ(deque.size(), 100u);
  EXPECT_EQ(deque.capacity(), 128u);
  for (int i = 99; i >= 0; --i) ASSERT_EQ(deque.pop(), i) << "items keep their number when they move";
}
