// Chapter 00, step 3: what it was worth.

#include "support.hpp"

#include <limits>
#include <stdexcept>
#include <string>

using concurrent::amdahl;
using concurrent::efficiency;
using concurrent::speedup;

namespace {

/// Returns the message of the std::invalid_argument that `fn()` throws; empty if it does not.
template <class F>
std::string refusal(F fn) {
  try {
    fn();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "it was not refused: nothing was thrown";
}

}  // namespace

TEST(Step3_Speedup, SpeedupIsSequentialTimeOverParallelTime) {
  EXPECT_DOUBLE_EQ(speedup(10s, 5s), 2);
  EXPECT_DOUBLE_EQ(speedup(1s, 1s), 1);
  EXPECT_DOUBLE_EQ(speedup(7ns, 2ns), 3.5) << "the fraction counts too";
  EXPECT_DOUBLE_EQ(speedup(16'777'217ns, 1ns), 16'777'217) << "a float is too coarse for times";
}

TEST(Step3_Speedup, WhatIsSlowerHasASpeedupBelowOne) { EXPECT_DOUBLE_EQ(speedup(3s, 4s), 0.75); }

TEST(Step3_Speedup, MeasurementsAreComparedByTheirWallTimes) {
  const Elapsed sequential{.wall = 8s, .cpu = 8s};
  const Elapsed parallel{.wall = 2s, .cpu = 9s};
  EXPECT_DOUBLE_EQ(speedup(sequential, parallel), 4) << "what the user waits for counts, not the work done";
}

TEST(Step3_Speedup, TimesThatAreNotAboveZeroAreRefused) {
  const std::string no_sequential = refusal([] { speedup(0ns, 17ns); });
  EXPECT_TRUE(no_sequential.contains("0 ns")) << "the message must name the value: " << no_sequential;
  const std::string no_parallel = refusal([] { speedup(17ns, -5ns); });
  EXPECT_TRUE(no_parallel.contains("-5 ns")) << "the message must name the value: " << no_parallel;
}

TEST(Step3_Speedup, EfficiencyIsTheShareOfTheWorkersInUse) {
  EXPECT_DOUBLE_EQ(efficiency(3, 4), 0.75);
  EXPECT_DOUBLE_EQ(efficiency(2, 2), 1);
  EXPECT_DOUBLE_EQ(efficiency(1.5, 1), 1.5) << "more than 1 is possible: caches help";
}

TEST(Step3_Speedup, EfficiencyNeedsAWorker) {
  for (const int workers : {0, -3}) {
    const std::string message = refusal([&] { efficiency(1, workers); });
    EXPECT_TRUE(message.contains(std::to_string(workers))) << "the message must name the value: " << message;
  }
}

TEST(Step3_Speedup, AmdahlDividesOnlyTheParallelShare) {
  EXPECT_DOUBLE_EQ(amdahl(0.5, 2), 4.0 / 3);  // half of the time stays, the other half is halved
  EXPECT_DOUBLE_EQ(amdahl(0.9, 10), 1 / 0.19);
  EXPECT_DOUBLE_EQ(amdahl(0.75, 3), 2);
}

TEST(Step3_Speedup, AmdahlsLimits) {
  EXPECT_DOUBLE_EQ(amdahl(1, 8), 8) << "all of it runs in parallel";
  EXPECT_DOUBLE_EQ(amdahl(0, 8), 1) << "none of it does";
  EXPECT_DOUBLE_EQ(amdahl(0.9, 1), 1) << "one worker changes nothing";
  EXPECT_NEAR(amdahl(0.9, 1'000'000'000), 10, 1e-6) << "a tenth stays, whatever you buy";
}

TEST(Step3_Speedup, AShareIsBetweenZeroAndOne) {
  const std::string above = refusal([] { amdahl(1.5, 2); });
  EXPECT_TRUE(above.contains("1.5")) << "the message must name the value: " << above;
  const std::string below = refusal([] { amdahl(-0.25, 2); });
  EXPECT_TRUE(below.contains("-0.25")) << "the message must name the value: " << below;
  EXPECT_THROW(amdahl(std::numeric_limits<double>::quiet_NaN(), 2), std::invalid_argument)
      << "not a number is not between 0 and 1";
}

TEST(Step3_Speedup, AmdahlNeedsAWorker) {
  for (const int workers : {0, -3}) {
    const std::string message = refusal([&] { amdahl(0.5, workers); });
    EXPECT_TRUE(message.contains(std::to_string(workers))) << "the message must name the value: " << message;
  }
}

TEST(Step3_Speedup, NumbersMayBeAsLargeAsTheyGet) {
  constexpr auto most = std::chrono::nanoseconds::max();
  EXPECT_DOUBLE_EQ(concurrent::speedup(most, std::chrono::nanoseconds(1)), static_cast<double>(most.count()));
  EXPECT_DOUBLE_EQ(concurrent::speedup(most, most), 1);
  EXPECT_THROW(concurrent::speedup(std::chrono::nanoseconds::min(), most), std::invalid_argument);
  EXPECT_DOUBLE_EQ(concurrent::speedup(std::chrono::hours(1), std::chrono::minutes(6)), 10);
  constexpr int workers = std::numeric_limits<int>::max();
  EXPECT_DOUBLE_EQ(concurrent::efficiency(workers, workers), 1);
  EXPECT_NEAR(concurrent::amdahl(0.5, workers), 2, 1e-6);
  EXPECT_DOUBLE_EQ(concurrent::amdahl(1, workers), workers);
}
