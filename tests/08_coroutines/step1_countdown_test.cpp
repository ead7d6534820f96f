// Chapter 08, step 1: a frame by hand.

#include "support.hpp"

#include <limits>

TEST(Step1_Countdown, EachResumeGivesTheNextNumber) {
  Countdown countdown(3);
  std::vector<int> numbers;
  for (countdown.resume(); !countdown.done(); countdown.resume()) numbers.push_back(countdown.value());
  EXPECT_EQ(numbers, (std::vector{3, 2, 1}));
}

TEST(Step1_Countdown, NothingRunsBeforeTheFirstResume) {
  Countdown countdown(0);
  EXPECT_FALSE(countdown.done()) << "although there is nothing to count, for it has not looked yet";
  countdown.resume();
  EXPECT_TRUE(countdown.done());
}

TEST(Step1_Countdown, ItEndsOneResumeAfterTheLastNumber) {
  Countdown countdown(1);
  countdown.resume();
  EXPECT_EQ(countdown.value(), 1);
  EXPECT_FALSE(countdown.done()) << "it is at its co_yield";
  countdown.resume();
  EXPECT_TRUE(countdown.done());
  EXPECT_EQ(countdown.value(), 1) << "what it was";
}

TEST(Step1_Countdown, FromBelowZeroThereIsNothingToCount) {
  Countdown countdown(-3);
  countdown.resume();
  EXPECT_TRUE(countdown.done());
}

TEST(Step1_Countdown, TheValueStaysUntilTheNextResume) {
  Countdown countdown(2);
  countdown.resume();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(countdown.value(), 2);
  countdown.resume();
  EXPECT_EQ(countdown.value(), 1);
}

TEST(Step1_Countdown, EachIsWhereItIs) {
  Countdown a(2);
  Countdown b(10);
  a.resume();
  b.resume();
  a.resume();
  EXPECT_EQ(a.value(), 1);
  EXPECT_EQ(b.value(), 10);
  a.resume();
  EXPECT_TRUE(a.done());
  EXPECT_FALSE(b.done());
}

TEST(Step1_Countdown, ACopyOfTheFrameGoesOnFromTheSamePlace) {
  Countdown countdown(3);
  countdown.resume();
  Countdown copy = countdown;
  countdown.resume();
  countdown.resume();
  EXPECT_EQ(countdown.value(), 1);
  EXPECT_EQ(copy.value(), 3);
  copy.resume();
  EXPECT_EQ(copy.value(), 2);
}

TEST(Step1_Countdown, NumbersMayBeAsLargeAsTheyGet) {
  Countdown most(std::numeric_limits<int>::max());
  most.resume();
  EXPECT_EQ(most.value(), std::numeric_limits<int>::max());
  most.resume();
  EXPECT_EQ(most.value(), std::numeric_limits<int>::max() - 1);
  Countdown least(std::numeric_limits<int>::min());
  least.resume();
  EXPECT_TRUE(least.done());
}
