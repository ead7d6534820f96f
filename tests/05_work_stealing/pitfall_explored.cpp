// Chapter 05 under every schedule that matters, step 3: see docs/schedule-explorer.md.

#include "pitfall_hasty_deque.hpp"
#include "tally.hpp"

#include <optional>
#include <thread>

#include "explore.hpp"

using concurrent::HastyDeque;

TEST(Step3_TooWeak, NumbersComeOutAtBothEnds) {
  const auto scenario = [] {
    HastyDeque deque;
    EXPECT_EQ(deque.pop(), std::nullopt);
    EXPECT_EQ(deque.steal(), std::nullopt);
    for (int i = 0; i < 4; ++i) deque.push(i);
    EXPECT_EQ(deque.steal(), 0);
    EXPECT_EQ(deque.pop(), 3);
    EXPECT_EQ(deque.pop(), 2);
    EXPECT_EQ(deque.pop(), 1);
    EXPECT_EQ(deque.pop(), std::nullopt);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

namespace {

void owner_and_thief() {
  HastyDeque deque;
  Tally tally;
  for (int i = 0; i < 2; ++i) deque.push(i);
  {
    std::jthread thief([&] {
      tally.add(deque.steal());
      tally.add(deque.steal());
    });
    tally.add(deque.pop());
  }
  tally.add(deque.pop());
  tally.expect_each_once(2);
}

}  // namespace

TEST(Step3_TooWeak, NoInterruptionDoesItAnyHarm) {
  EXPECT_TRUE(explore::survives(owner_and_thief, {.stale = 0}));
}

TEST(Step3_TooWeak, OneOldValueGivesANumberAwayTwice) {
  EXPECT_TRUE(explore::breaks(explore::Failure::check_failed, owner_and_thief));
}
