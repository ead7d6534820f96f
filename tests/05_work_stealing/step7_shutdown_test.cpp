// Chapter 05, step 7: shutting down.

#include "future.hpp"
#include "support.hpp"

#include <atomic>
#include <barrier>
#include <exception>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using course::AtEnd;

TEST(Step7_Shutdown, PostAfterShutdownThrows) {  // CF-39
  std::atomic<int> alive = 0, ran = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  executor.post([&] { ++ran; });
  executor.shutdown();
  EXPECT_THROW(executor.post([owned = std::make_unique<Counted>(alive)] {}), concurrent::ExecutorShutdown);
  EXPECT_EQ(alive, 0) << "a job that is refused is destroyed";
  EXPECT_EQ(ran, 1);
}

TEST(Step7_Shutdown, AJobThatPostsAfterShutdownIsToldToo) {  // CF-39
  bool refused = false;
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 1}};
  executor.post([&] {
    gate.pass();
    try {
      executor.post([] {});
    } catch (const concurrent::ExecutorShutdown&) {
      refused = true;
    }
  });
  gate.wait_until_entered();
  executor.shutdown({.wait = false});
  gate.open();
  executor.shutdown();
  EXPECT_TRUE(refused);
}

TEST(Step7_Shutdown, WithoutWaitItReturnsAtOnceAndTheWorkIsStillDone) {  // CF-41
  std::atomic<int> ran = 0;
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 2}};
  OpenAtTheEnd open(gate);
  for (int i = 0; i < 2; ++i) executor.post(gate.job());
  for (int i = 0; i < 2; ++i) gate.wait_until_entered();
  for (int i = 0; i < 3; ++i) executor.post([&] { ++ran; });
  executor.shutdown({.wait = false});
  EXPECT_EQ(ran, 0);
  gate.open();
  executor.shutdown();
  EXPECT_EQ(ran, 3);
}

TEST(Step7_Shutdown, ShuttingDownAgainDoesNothing) {  // CF-40
  std::atomic<int> ran = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  executor.post([&] { ++ran; });
  executor.shutdown({.wait = false});
  executor.shutdown();
  executor.shutdown({.cancel_futures = true});
  executor.shutdown();
  EXPECT_EQ(ran, 1);
}

TEST(Step7_Shutdown, CancelledJobsAreDestroyedUnrunWhereverTheyAre) {  // CF-42
  std::atomic<int> alive = 0, ran = 0;
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 1}};
  OpenAtTheEnd open(gate);
  executor.post([&] {
    for (int i = 0; i < 5; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
    gate.pass();
  });
  gate.wait_until_entered();
  for (int i = 0; i < 5; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  EXPECT_EQ(alive, 10);
  executor.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_EQ(alive, 0) << "in the inboxes and in the workers' deques";
  gate.open();
  executor.shutdown();
  EXPECT_EQ(ran, 0);
}

TEST(Step7_Shutdown, ADroppedJobTellsItsFuture) {  // CF-42
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 1}};
  OpenAtTheEnd open(gate);
  executor.post(gate.job());
  gate.wait_until_entered();
  const auto future = executor.submit([] { return 7; });
  executor.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_TRUE(future.cancelled());
}

TEST(Step7_Shutdown, ACancelledJobsDestructorMayUseTheExecutor) {
  int refused = 0;
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 1}};
  OpenAtTheEnd open(gate);
  executor.post(gate.job());
  gate.wait_until_entered();
  executor.post([end = AtEnd([&] {
                   try {
                     executor.post([] {});
                   } catch (const concurrent::ExecutorShutdown&) {
                     ++refused;
                   }
                 })] {});
  executor.shutdown({.wait = false, .cancel_futures = true});  // hangs if it is destroyed under a lock
  EXPECT_EQ(refused, 1);
}

TEST(Step7_Shutdown, PostsRacingWithShutdownEitherRunOrThrow) {  // CF-39
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> accepted = 0, ran = 0;
    WorkStealingExecutor executor{{.max_workers = 2}};
    std::barrier start(3);
    std::vector<std::jthread> posters;
    for (int i = 0; i < 2; ++i)
      posters.emplace_back([&] {
        start.arrive_and_wait();
        try {
          for (int job = 0; job < 50; ++job) {
            executor.post([&] { ++ran; });
            ++accepted;
          }
        } catch (const concurrent::ExecutorShutdown&) {
        }
      });
    start.arrive_and_wait();
    executor.shutdown();
    posters.clear();
    ASSERT_EQ(ran, accepted) << "a job that was accepted must run";
  }
}

TEST(Step7_Shutdown, AWorkerThatWouldWaitForItselfIsTold) {
  bool told = false, went_on = false;
  WorkStealingExecutor executor{{.max_workers = 1}};
  on_worker(executor, [&] {
    try {
      executor.shutdown();
    } catch (const concurrent::Error&) {
      told = true;
    }
  });
  on_worker(executor, [&] { went_on = true; });  // nothing has changed
  executor.shutdown();
  EXPECT_TRUE(told);
  EXPECT_TRUE(went_on);
}

TEST(Step7_Shutdown, NoWorkerGoesHomeWhileAJobStillRuns) {
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 2}};
  OpenAtTheEnd open(gate);
  executor.post(gate.job());
  gate.wait_until_entered();
  EXPECT_EQ(course::live_threads(), 3u);
  executor.shutdown({.wait = false});
  course::wait_until_others_block();
  EXPECT_EQ(course::live_threads(), 3u) << "the job may fork, and then there is something to steal";
}

TEST(Step7_Shutdown, AFailedInitializerBreaksIt) {  // CF-38
  std::atomic<int> ran = 0, told = 0;
  std::latch fail(1);
  WorkStealingExecutor executor{{.max_workers = 2, .initializer = [&] {
                                   fail.wait();
                                   throw std::runtime_error("no stove");
                                 }}};
  executor.set_exception_handler([&](std::exception_ptr) { ++told; });
  executor.post([&] { ++ran; });
  const auto future = executor.submit([&] { ++ran; });
  fail.count_down();
  EXPECT_THROW(future.result(), concurrent::BrokenThreadPool);
  executor.shutdown();
  EXPECT_EQ(told, 2) << "each failure is reported";
  EXPECT_EQ(ran, 0);
  EXPECT_THROW(executor.post([] {}), concurrent::BrokenThreadPool);
}
