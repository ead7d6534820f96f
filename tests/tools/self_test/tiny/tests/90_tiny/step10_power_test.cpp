#include "tiny.hpp"

TEST(Step10_Power, TwoToTheThirdIsEight) { EXPECT_EQ(concurrent::power(2, 3), 8); }
