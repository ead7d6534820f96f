// Chapter 08, step 9: what is allocated at all.

#include "support.hpp"

TEST(Step9_Costs, NothingIsAllocated) {
  EXPECT_EQ(course::allocations_in([] {
              Countdown countdown(100);
              while (!countdown.done()) countdown.resume();
            }),
            0u);
}

TEST(Step9_Costs, ReadingAllocatesNothing) {
  Generator<int> generator = count_to(1'000);
  EXPECT_EQ(course::allocations_in([&] {
              for (const int number : generator) static_cast<void>(number);
            }),
            0u);
}

TEST(Step9_Costs, EachTakesOneAllocationAtMost) {
  Coro<int> warm = nested(10);
  EXPECT_EQ(run(std::move(warm)), 10);
  int result = 0;
  EXPECT_LE(course::allocations_in([&] { result = run(nested(100)); }), 101u);
  EXPECT_EQ(result, 100);
}
