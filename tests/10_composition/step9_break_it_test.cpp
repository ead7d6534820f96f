// Chapter 10, step 9: a loop that may go between the look and the call.

#include "bridge.hpp"
#include "pitfall_hasty_weak_loop.hpp"
#include "support.hpp"

#include <thread>
#include <vector>

using asyncio::HastyWeakLoop;

TEST(Step9_BreakIt, AloneItDoesWhatItShould) {
  asyncio::Bell bell;
  HastyWeakLoop weak_loop(bell);
  weak_loop.post();
  weak_loop.post();
  EXPECT_EQ(bell.rings(), 2);
  weak_loop.close();
  weak_loop.post();
  EXPECT_EQ(bell.rings(), 2);
}

TEST(Step9_BreakIt, FromManyThreadsEveryRingIsHeard) {
  asyncio::Bell bell;
  HastyWeakLoop weak_loop(bell);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int j = 0; j < 100; ++j) weak_loop.post();
      });
  }
  EXPECT_EQ(bell.rings(), 400);
}
