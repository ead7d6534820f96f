// Chapter 05, step 4: what the owner pays.

#include "testing.hpp"
#include "work_stealing_deque.hpp"

using concurrent::WorkStealingDeque;

TEST(Step4_Orders, APushAllocatesNothingAsLongAsThereIsRoom) {
  WorkStealingDeque<int> deque(8);
  EXPECT_EQ(course::allocations_in([&] {
              for (int i = 0; i < 8; ++i) deque.push(i);
            }),
            0u);
  EXPECT_EQ(deque.capacity(), 8u);
}
