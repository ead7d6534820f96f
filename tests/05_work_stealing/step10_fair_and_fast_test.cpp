// Chapter 05, step 10: every job has its turn, and what things cost.

#include "fib.hpp"
#include "support.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <latch>
#include <semaphore>

TEST(Step10_FairAndFast, AJobThatPostsItselfAgainAndAgainStarvesNobody) {
  std::atomic<bool> stop = false;
  std::function<void()> again;
  WorkStealingExecutor executor{{.max_workers = 1}};
  std::binary_semaphore others_turn(0);
  again = [&] {
    if (!stop) executor.post([&] { again(); });
  };
  executor.post([&] { again(); });
  executor.post([&] { others_turn.release(); });
  others_turn.acquire();  // hangs if the worker never looks into its inbox
  stop = true;
}

TEST(Step10_FairAndFast, WhatLiesDeepInItsOwnDequeIsNotStarvedByAJobThatPostsItself) {
  int turns = 0;
  bool other_ran = false;
  std::function<void()> again;
  std::binary_semaphore all_there(0), ended(0);
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 2}};
  again = [&] {
    if (other_ran || ++turns == 10'000) return ended.release();
    executor.post([&] { again(); });
  };
  executor.post([&] {
    all_there.acquire();
    executor.post([&] { other_ran = true; });
    again();
  });
  executor.post([&] {
    for (int i = 0; i < 1'000; ++i) executor.post([] {});  // so that there is always something to steal, too
    all_there.release();
    gate.pass();
  });
  ended.acquire();
  EXPECT_TRUE(other_ran) << "after " << turns << " turns";
  EXPECT_LE(turns, 200);
  gate.open();
}

TEST(Step10_FairAndFast, WhatLiesWithABusyWorkerIsNotStarvedByAJobThatPostsItselfOnAnother) {
  std::atomic<bool> posted = false, other_ran = false;
  int turns = 0;
  std::function<void()> again;
  std::binary_semaphore ended(0);
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 2}};
  again = [&] {
    if (other_ran || (posted && ++turns == 10'000)) return ended.release();
    executor.post([&] { again(); });
  };
  executor.post([&] { again(); });
  executor.post([&] {
    executor.post([&] { other_ran = true; });
    posted = true;
    gate.pass();  // its worker does not come to what it has posted, and the other has always something to do
  });
  ended.acquire();
  EXPECT_TRUE(other_ran) << "after " << turns << " turns";
  EXPECT_LE(turns, 200);
  gate.open();
}

TEST(Step10_FairAndFast, AThiefBeginsWithTheOneAfterIt) {
  constexpr int workers = 3;
  for (int thief = 0; thief < workers; ++thief) {
    std::atomic<int> robbed = -1;
    std::array<std::binary_semaphore, workers> may_go_on{std::binary_semaphore(0), std::binary_semaphore(0),
                                                         std::binary_semaphore(0)};
    Gate stolen;
    std::counting_semaphore<> entered(0);
    std::latch all_busy(workers);
    WorkStealingExecutor executor{{.max_workers = workers, .thread_name_prefix = "w"}};
    for (int i = 0; i < workers; ++i)
      executor.post([&] {
        const int number = concurrent::thread_name().back() - '0';
        all_busy.arrive_and_wait();
        if (number != thief)
          executor.post([&, number] {
            int nobody = -1;
            if (robbed.compare_exchange_strong(nobody, number)) stolen.pass();
          });
        entered.release();
        may_go_on[static_cast<std::size_t>(number)].acquire();
      });
    for (int i = 0; i < workers; ++i) entered.acquire();
    may_go_on[static_cast<std::size_t>(thief)].release();
    stolen.wait_until_entered();
    EXPECT_EQ(robbed, (thief + 1) % workers)
        << "if all thieves begin with the same worker, they are in each other's way";
    stolen.open();
    for (auto& semaphore : may_go_on) semaphore.release();
  }
}

TEST(Step10_FairAndFast, AJobThatAJobPostsCostsOneAllocation) {
  std::atomic<int> ran = 0;
  std::size_t allocations = 0;
  {
    WorkStealingExecutor executor{{.max_workers = 1}};
    on_worker(executor, [&] {
      executor.post([&] { ++ran; });
      allocations = course::allocations_in([&] { executor.post([&] { ++ran; }); });
    });
  }
  EXPECT_LE(allocations, 1u);
  EXPECT_EQ(ran, 2);
}

TEST(Step10_FairAndFast, ItAllocatesNothing) {
  WorkStealingExecutor executor{{.max_workers = 1}};
  std::size_t allocations = 1;
  on_worker(executor, [&] {
    fib(executor, 10);
    allocations = course::allocations_in([&] { fib(executor, 10); });
  });
  EXPECT_EQ(allocations, 0u) << "what is forked lies on the stack";
}
