// Chapter 05, step 1: the owner puts items in.

#include "support.hpp"

TEST(Step1_Push, SizeCountsWhatWasPushed) {
  WorkStealingDeque<int> deque;
  EXPECT_TRUE(deque.empty());
  for (int i = 0; i < 3; ++i) deque.push(i);
  EXPECT_EQ(deque.size(), 3u);
  EXPECT_FALSE(deque.empty());
}

TEST(Step1_Push, APushAllocatesNothingAsLongAsThereIsRoom) {
  WorkStealingDeque<int> deque(8);
  EXPECT_EQ(course::allocations_in([&] {
              for (int i = 0; i < 8; ++i) deque.push(i);
            }),
            0u);
  EXPECT_EQ(deque.capacity(), 8u);
}
