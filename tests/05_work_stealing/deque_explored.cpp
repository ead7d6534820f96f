// Chapter 05 under every schedule that matters, the deque (steps 2 and 4): see docs/schedule-explorer.md.

#include "expect_no_cost.hpp"
#include "tally.hpp"
#include "work_stealing_deque.hpp"

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "explore.hpp"

using concurrent::WorkStealingDeque;

// Step 2: owner and thieves.

TEST(Step2_Thieves, TheLastItemGoesToTheOwnerOrToAThief) {
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

TEST(Step2_Thieves, OfTwoItemsNoneIsTakenTwice) {
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

TEST(Step2_Thieves, AThiefThatComesTwiceMeetsTheOwner) {
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

TEST(Step2_Thieves, AThiefThatIsTooLateLooksAgain) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque;
    for (int i = 0; i < 2; ++i) deque.push(i);
    const auto steal = [&] { EXPECT_TRUE(deque.steal()) << "there are two items, and two thieves"; };
    std::jthread a(steal), b(steal);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Thieves, AThiefReadsItsItemBeforeTheOwnerMayWriteOverIt) {
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

TEST(Step2_Thieves, WhatThePusherWroteIsThereForTheThief) {
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

TEST(Step2_Thieves, AThiefFindsItsItemAfterAPopHasComeAndGone) {
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

TEST(Step2_Thieves, ItGrowsUnderTheHandsOfAThief) {
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

TEST(Step2_Thieves, AnItemMovesToOtherSlotsWhileAThiefReadsIt) {
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

// Step 4: what each end pays.

TEST(Step4_Orders, APushTakesNoLockAndNoReadModifyWrite) {
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

TEST(Step4_Orders, APopTakesNeitherUnlessItIsTheLastItem) {
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

TEST(Step4_Orders, APushWaitsForNoBarrier) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque;
    const explore::Costs before = explore::costs();
    for (int i = 0; i < 3; ++i) deque.push(i);
    EXPECT_EQ(explore::costs().barriers, before.barriers)
        << "a store that is sequentially consistent empties the store buffer first";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_Orders, APopWaitsForOneBarrierAndAStealForOneMore) {
  const auto scenario = [] {
    WorkStealingDeque<int> deque;
    for (int i = 0; i < 3; ++i) deque.push(i);
    const explore::Costs first = explore::costs();
    EXPECT_EQ(deque.pop(), 2);
    EXPECT_LE(explore::costs().barriers - first.barriers, 1u) << "in pop()";
    const explore::Costs second = explore::costs();
    EXPECT_EQ(deque.steal(), 0);
    EXPECT_LE(explore::costs().barriers - second.barriers, 1u) << "in steal()";
    EXPECT_LE(explore::costs().read_modify_writes - second.read_modify_writes, 1u) << "in steal()";
    EXPECT_EQ(deque.pop(), 1);
    const explore::Costs third = explore::costs();
    EXPECT_EQ(deque.pop(), std::nullopt);
    EXPECT_LE(explore::costs().barriers - third.barriers, 1u) << "in pop() of an empty deque";
  };
  EXPECT_TRUE(explore::survives(scenario));
}
