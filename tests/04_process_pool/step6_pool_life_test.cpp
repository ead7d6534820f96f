// Chapter 04, step 6: a pool begins and ends.

#include "support.hpp"

#include <thread>

TEST(Step6_PoolLife, APoolThatDoesNothingStartsNoWorkerAndEnds) {
  const NothingIsLeft nothing_is_left;
  const Gate gate;
  {
    ProcessPoolExecutor pool({.max_workers = 3, .initializer = [] { ++shared.calls; }});
    course::wait_until_others_block();
  }
  EXPECT_EQ(shared.calls, 0);
}

TEST(Step6_PoolLife, ShutdownMayBeCalledAgainAndFromManyThreads) {
  const NothingIsLeft nothing_is_left;
  ProcessPoolExecutor pool({.max_workers = 2});
  pool.shutdown({.wait = false});
  {
    std::jthread other([&] { pool.shutdown(); });
    pool.shutdown();
  }
  pool.shutdown({.wait = false, .cancel_futures = true});
}

TEST(Step6_PoolLife, WhenShutdownReturnsNoProcessIsLeft) {
  ProcessPoolExecutor pool({.max_workers = 2});
  pool.shutdown();
  EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD);
}

TEST(Step6_PoolLife, NumbersBelowOneAreRefused) {  // CF-35, CF-55
  EXPECT_THROW(ProcessPoolExecutor({.max_workers = 0}), std::invalid_argument);
  EXPECT_THROW(ProcessPoolExecutor({.max_tasks_per_child = 0}), std::invalid_argument);
  try {
    ProcessPoolExecutor pool({.max_workers = -1});
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "max_workers must be at least 1, not -1");
  }
  ProcessPoolExecutor fine({.max_workers = 1});
}
