#include "tiny.hpp"

TEST(Step1_Add, TwoAndThreeAreFive) { EXPECT_EQ(concurrent::add(2, 3), 5); }
