// Chapter 02, step 7: what a job costs.

#include "support.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

namespace {

/// Posts small jobs, after some that make all queues grow. @returns how many allocations the last ones cost
std::size_t cost_of_posts(Executor& executor, const std::function<void()>& finish) {
  std::atomic<int> ran = 0;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 2'000; ++i) executor.post([&] { ++ran; });
    finish();
  }
  const std::size_t cost = course::allocations_in([&] {
    for (int i = 0; i < 1'000; ++i) executor.post([&] { ++ran; });
  });
  finish();
  EXPECT_EQ(ran, 5'000);
  return cost;
}

}  // namespace

TEST(Step7_Costs, APostAllocatesNothing) {
  InlineExecutor executor;
  EXPECT_EQ(cost_of_posts(executor, [] {}), 0u);
}

TEST(Step7_Costs, APostAllocatesNothingOnceTheQueueHasGrown) {
  ManualExecutor executor;
  EXPECT_EQ(cost_of_posts(executor, [&] { executor.run_all(); }), 0u);
}

TEST(Step7_Costs, APostAllocatesNothingOnceThePoolHasWarmedUp) {
  ThreadPoolExecutor executor{{.max_workers = 1}};
  EXPECT_LT(cost_of_posts(executor, [] { course::wait_until_others_block(); }), 100u)
      << "of 1'000 posts: a job goes to the pool as it is, and only the queue may grow now and then";
}

TEST(Step7_Costs, ItTakesOneJobOfTheExecutorForAllThatIsQueued) {
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 100; ++i) strand.post([&] { ++ran; });
  EXPECT_EQ(executor.pending(), 1u) << "a strand has one drain job at most in the executor's queue";
  executor.run_one();
  EXPECT_EQ(ran, 100) << "which takes all of them in one turn";
}

TEST(Step7_Costs, APostAllocatesNothingOnceTheQueuesHaveGrown) {
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  const auto round = [&] {
    for (int i = 0; i < 100; ++i) strand.post([&] { ++ran; });
    executor.run_all();
  };
  round();
  EXPECT_EQ(course::allocations_in(round), 0u) << "the job is small, and the queues keep their memory";
  EXPECT_EQ(ran, 200);
}

TEST(Step7_Costs, AThousandJobsOfAStrandTakeTenJobsOfTheExecutorAtMost) {
  int ran = 0;
  Moody executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 1'000; ++i) strand.post([&] { ++ran; });
  executor.jobs.run_all();
  EXPECT_EQ(ran, 1'000);
  EXPECT_LE(executor.posts, 10) << "a turn that is handed on costs as much as a job of the executor";
}

TEST(Step7_Costs, ALoopAllocatesNothingForAnItem) {
  std::vector<int> items(1'000, 1);
  int sum = 0;
  InlineExecutor executor;
  const auto loop = [&] {
    concurrent::parallel_for(
        executor, items, [&sum, ballast = std::array<int, 100>{}](int item) { sum += item + ballast[0]; });
  };
  EXPECT_LE(course::allocations_in(loop), 10u) << "for 1'000 items, however large the function is";
  EXPECT_EQ(sum, 1'000);
}
