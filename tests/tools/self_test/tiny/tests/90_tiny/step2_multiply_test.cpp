#include "tiny.hpp"

TEST(Step2_Multiply, TwoTimesThreeIsSix) { EXPECT_EQ(concurrent::multiply(2, 3), 6); }
TEST(Step2_Multiply, TheChaptersBelowAreThere) {
  EXPECT_GE(concurrent::measure([] { EXPECT_EQ(concurrent::multiply(0, 3), 0); }).wall.count(), 0);
}
