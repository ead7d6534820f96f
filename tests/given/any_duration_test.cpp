// Durations of any unit: none is longer than nanoseconds can say, and none wakes anybody too early.

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <ratio>
#include <stdexcept>

#include "any_duration.hpp"

namespace concurrent {
namespace {

using std::chrono::duration;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

nanoseconds nanoseconds_of(AnyDuration duration) { return duration; }

TEST(AnyDuration, ItIsTheSameTimeInNanoseconds) {
  EXPECT_EQ(nanoseconds_of(7ns), 7ns);
  EXPECT_EQ(nanoseconds_of(-3s), -3'000'000'000ns);
  EXPECT_EQ(nanoseconds_of(duration<int>(3)), 3s);
  EXPECT_EQ(nanoseconds_of(0.5s), 500ms);
  EXPECT_TRUE(AnyDuration(1min) == 60s);
  EXPECT_TRUE(AnyDuration(1min) < 61s);
}

TEST(AnyDuration, WhatLiesBetweenTwoIsRoundedUp) {
  EXPECT_EQ(nanoseconds_of(duration<long, std::pico>(1)), 1ns);
  EXPECT_EQ(nanoseconds_of(duration<double, std::nano>(1.25)), 2ns);
  EXPECT_EQ(nanoseconds_of(duration<double, std::nano>(-1.25)), -1ns);
}

TEST(AnyDuration, BeyondTheLongestItIsTheLongest) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(nanoseconds_of(std::chrono::hours::max()), nanoseconds::max());
  EXPECT_EQ(nanoseconds_of(std::chrono::hours::min()), nanoseconds::min());
  EXPECT_EQ(nanoseconds_of(std::chrono::years::max()), nanoseconds::max());
  EXPECT_EQ(nanoseconds_of(duration<double>(1e30)), nanoseconds::max());
  EXPECT_EQ(nanoseconds_of(duration<double>(infinity)), nanoseconds::max());
  EXPECT_EQ(nanoseconds_of(duration<double>(-infinity)), nanoseconds::min());
  EXPECT_EQ(nanoseconds_of(nanoseconds::max()), nanoseconds::max());
  EXPECT_EQ(nanoseconds_of(nanoseconds::min()), nanoseconds::min());
}

TEST(AnyDuration, WhatIsNotANumberIsNoDuration) {
  EXPECT_THROW(AnyDuration(duration<double>(std::nan(""))), std::invalid_argument);
}

}  // namespace
}  // namespace concurrent
