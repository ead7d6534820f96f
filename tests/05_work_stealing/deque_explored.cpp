// Chapter 05 under every schedule that matters, the deque (steps 1 to 3 and 9): see
// docs/schedule-explorer.md.

#include "expect_no_cost.hpp"
#include "pitfall_hasty_deque.hpp"
#include "work_stealing_deque.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <thread>

#include "explore.hpp"

using concurrent::HastyDeque;
using concurrent::WorkStealingDeque;

namespace {

/// Counts the numbers that come out of a deque, by the threads that take them.
class Tally {
 public:
  void add(std::optional<int> number) {
    if (number) ++seen_[static_cast<std::size_t>(*number)];
  }
  /// Checks that each of the first `count` numbers came out once.
  void expect_each_once(int count) const {
    for (int number = 0; number < count; ++number)
      EXPECT_EQ(seen_[static_cast<std::size_t>(number)].load(), 1)
          << "number " << number << ": 0 means that it was lost, 2 that two threads have taken it";
  }

 private:
  std::array<std::atomic<int>, 8> seen_{};
};

}  // namespace

// Steps 1 and 2: what the owner pays.

TEST(Step1_Push, APushTakesNoLockAndNoReadModifyWrite) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque;
    expect_no_cost([&] {
      deque.push(0);
      deque.push(1);
    });
    EXPECT_EQ(deque.size(), 2u);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Pop, APopTakesNeitherUnlessItIsTheLastItem) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque;
    for (int i = 0; i < 3; ++i) deque.push(i);
    expect_no_cost([&] {
      EXPECT_EQ(deque.pop(), 2);
      EXPECT_EQ(deque.pop(), 1);
    });
    EXPECT_EQ(deque.pop(), 0);
    expect_no_cost([&] { EXPECT_EQ(deque.pop(), std::nullopt); });
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 3: owner and thieves.

TEST(Step3_Steal, TheLastItemGoesToTheOwnerOrToAThief) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque;
    Tally tally;
    deque.push(0);
    {
      std::jthread a([&] { tally.add(deque.steal()); });
      std::jthread b([&] { tally.add(deque.steal()); });
      tally.add(deque.pop());
    }
    tally.expect_each_once(1);
    EXPECT_TRUE(deque.empty());
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Steal, OfTwoItemsNoneIsTakenTwice) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque;
    Tally tally;
    for (int i = 0; i < 2; ++i) deque.push(i);
    {
      std::jthread a([&] { tally.add(deque.steal()); });
      std::jthread b([&] { tally.add(deque.steal()); });
      tally.add(deque.pop());
    }
    tally.add(deque.pop());
    tally.expect_each_once(2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Steal, AThiefThatComesTwiceMeetsTheOwner) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque;
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
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Steal, AThiefThatIsTooLateLooksAgain) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque;
    for (int i = 0; i < 2; ++i) deque.push(i);
    const auto steal = [&] { EXPECT_TRUE(deque.steal()) << "there are two items, and two thieves"; };
    std::jthread a(steal), b(steal);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Steal, AThiefReadsItsItemBeforeTheOwnerMayWriteOverIt) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque(1);
    Tally tally;
    deque.push(0);
    {
      std::jthread thief([&] { tally.add(deque.steal()); });
      deque.push(1);  // in the same slot, if the other item is gone
    }
    while (const auto left = deque.pop()) tally.add(left);
    tally.expect_each_once(2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Steal, WhatThePusherWroteIsThereForTheThief) {
  const auto scenario = [] {
    WorkStealingDeque<int*> deque;
    int written = 0;
    std::jthread thief([&] {
      if (const auto stolen = deque.steal()) {
        EXPECT_EQ(**stolen, 7);
      }
    });
    written = 7;
    deque.push(&written);
    if (const auto own = deque.pop()) {
      EXPECT_EQ(**own, 7);
    }
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Steal, AThiefFindsItsItemAfterAPopHasComeAndGone) {
  const auto scenario = [] {
    WorkStealingDeque<int*> deque;
    std::array<int, 2> written{};
    std::jthread thief([&] {
      if (const auto stolen = deque.steal()) {
        EXPECT_EQ(**stolen, 7);
      }
    });
    for (int& number : written) {
      number = 7;
      deque.push(&number);
    }
    deque.pop();  // its store to bottom_ may be the one that the thief reads
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Steal, ItGrowsUnderTheHandsOfAThief) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque(1);
    Tally tally;
    deque.push(0);
    {
      std::jthread a([&] { tally.add(deque.steal()); });
      std::jthread b([&] { tally.add(deque.steal()); });
      for (int i = 1; i < 3; ++i) deque.push(i);
    }
    while (const auto left = deque.pop()) tally.add(left);
    tally.expect_each_once(3);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Steal, AnItemMovesToOtherSlotsWhileAThiefReadsIt) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque(1);
    Tally tally;
    {
      std::jthread thief([&] {
        tally.add(deque.steal());
        tally.add(deque.steal());
      });
      for (int i = 0; i < 3; ++i) deque.push(i);
      tally.add(deque.pop());
    }
    while (const auto left = deque.pop()) tally.add(left);
    tally.expect_each_once(3);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 9: break it.

TEST(Step9_BreakIt, NumbersComeOutAtBothEnds) {
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

TEST(Step9_BreakIt, NoInterruptionDoesItAnyHarm) {
  EXPECT_TRUE(explore::survives(owner_and_thief, {.stale = 0}));
}

TEST(Step9_BreakIt, OneOldValueGivesANumberAwayTwice) {
  EXPECT_TRUE(explore::breaks(explore::Failure::check_failed, owner_and_thief));
}
