// Chapter 00, step 1: time passes at once, and clocks are set.

#include "support.hpp"

#include <chrono>

#include "moved_clock.hpp"

using concurrent::measure;

TEST(Step1_Measure, SettingTheClockOnTheWallChangesNothing) {
  for (const auto change : {2h, -2h}) {
    const Elapsed elapsed = measure([&] { course::set_the_wall_clock(change); });
    EXPECT_LT(elapsed.wall, 1h) << "the clock was set while the call ran: no time has passed";
    EXPECT_GE(elapsed.wall, 0s) << "the clock was set back while the call ran";
  }
}

TEST(Step1_Measure, TimesMayBeAsLongAsTheyGet) {
  for (const auto time : {3s, 86'400s, 31'536'000s}) {
    const Elapsed elapsed = measure([&] { course::let_time_pass(time); });
    ASSERT_GE(elapsed.wall, time) << "it counts nanoseconds, of which there are many";
    ASSERT_LT(elapsed.wall, time + 1s);
    ASSERT_LT(elapsed.cpu, 1s) << "nobody has computed meanwhile";
    const Elapsed computed = measure([&] { course::let_processor_time_pass(time); });
    ASSERT_GE(computed.cpu, time) << "processor time has seconds, too";
    ASSERT_LT(computed.cpu, time + 1s);
  }
}

TEST(Step1_Measure, AnythingMayBeThrown) {
  EXPECT_EQ(course::error_of([] { measure([] { throw 7; }); }), "7");
}
