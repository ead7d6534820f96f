// Chapter 06, step 4: how the selector sleeps until a time.

#include "support.hpp"

#include <chrono>
#include <thread>

#include "moved_clock.hpp"

using asyncio::SleepSelector;

TEST(Step4_Clock, ASleepWithATimeoutIsOneSleep) {
  SleepSelector selector;
  std::jthread sleeper([&] { selector.select(24h); });
  course::wait_until_others_block();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(course::cpu_time_of_others_while_this_thread_computes(), 0ns)
        << "a day is one sleep, and not many short ones";
  selector.wake();
}

TEST(Step4_Clock, WhoeverSetsTheWallClockProlongsNoSleep) {
  SleepSelector selector;
  std::jthread sleeper([&] { selector.select(300ms); });
  course::wait_until_others_block();
  course::set_the_wall_clock(-24h);
}
