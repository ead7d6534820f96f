// Chapter 05 under every schedule that matters, the executor (steps 6 to 10): see
// docs/schedule-explorer.md.
// These executors sleep at once: with a yield before, the explorer lets whoever notifies go first.

#include "expect_no_cost.hpp"
#include "fork_join.hpp"
#include "task_scope.hpp"
#include "work_stealing_executor.hpp"

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>

#include "explore.hpp"

using concurrent::ExecutorShutdown;
using concurrent::fork_join;
using concurrent::TaskScope;
using concurrent::WorkStealingExecutor;

// Step 6: the executor.

TEST(Step6_Workers, EveryJobRunsOnceWhoeverPostsIt) {
  const auto scenario = [] {
    std::atomic<int> ran = 0;
    {
      WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
      std::jthread other([&] { executor.post([&] { ++ran; }); });
      executor.post([&] { ++ran; });
    }
    EXPECT_EQ(ran, 2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_Workers, APostIsNoticedByAWorkerThatIsAboutToSleep) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 1, .spins_before_sleep = 0}};
    std::latch ran(1);
    executor.post([&] { ran.count_down(); });
    ran.wait();  // the end of the executor, which wakes everybody, has not come yet
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step6_Workers, JobsThatWaitForEachOtherEachGetAWorker) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
    std::latch both(2), done(2);
    for (int i = 0; i < 2; ++i)
      executor.post([&] {
        both.arrive_and_wait();
        done.count_down();
      });
    done.wait();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step6_Workers, AJobThatAJobPostsIsStolenIfItMustBe) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
    std::latch both(2), done(1);
    executor.post([&] {
      executor.post([&] { both.count_down(); });
      both.arrive_and_wait();  // only another worker can run it
      done.count_down();
    });
    done.wait();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step6_Workers, TheEndWaitsForJobsThatJobsPost) {
  const auto scenario = [] {
    std::atomic<int> ran = 0, refused = 0;
    {
      WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
      executor.post([&] {
        ++ran;
        try {
          executor.post([&] { ++ran; });
        } catch (const ExecutorShutdown&) {
          ++refused;
        }
      });
    }
    EXPECT_EQ(ran + refused, 2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 7: shutting down.

TEST(Step7_Shutdown, APostEitherRunsOrThrowsWheneverShutdownComes) {
  const auto scenario = [] {
    std::atomic<int> ran = 0;
    int refused = 0;
    WorkStealingExecutor executor{{.max_workers = 1, .spins_before_sleep = 0}};
    std::jthread poster([&] {
      try {
        executor.post([&] { ++ran; });
      } catch (const ExecutorShutdown&) {
        ++refused;
      }
    });
    executor.shutdown();
    poster.join();
    EXPECT_EQ(ran + refused, 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step7_Shutdown, EveryJobRunsOrIsDestroyedWhenTheRestIsCancelled) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 1, .spins_before_sleep = 0}};
    std::atomic<int> ran = 0;
    const auto future = executor.submit([&] { ++ran; });
    executor.shutdown({.cancel_futures = true});
    EXPECT_TRUE(future.done()) << "nobody would ever finish it";
    EXPECT_EQ(ran, future.cancelled() ? 0 : 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
  // A worker that falls asleep over a dropped job is many switches away, where only chance comes soon.
  EXPECT_TRUE(explore::survives(scenario, {.search = explore::Search::random}));
}

TEST(Step7_Shutdown, EveryShutdownThatWaitsFindsTheWorkersEnded) {
  const auto scenario = [] {
    int result = 0;
    WorkStealingExecutor executor{{.max_workers = 1, .spins_before_sleep = 0}};
    executor.post([&] { result = 1; });
    const auto end = [&] {
      executor.shutdown();
      EXPECT_EQ(result, 1);
    };
    std::jthread other(end);
    end();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 8: fork and join.

TEST(Step8_ForkJoin, BothHaveEndedWhenItReturns) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
    std::latch done(1);
    int left = 0, right = 0;
    executor.post([&] {
      fork_join(
          executor, [&] { left = 1; }, [&] { right = 1; });
      EXPECT_EQ(left + right, 2) << "and what they wrote can be read";
      done.count_down();
    });
    done.wait();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step8_ForkJoin, AWaitingWorkerHelps) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
    std::latch helped(1), done(1);
    executor.post([&] {
      const auto owner = std::this_thread::get_id();
      const auto needs_help = [&] {
        if (std::this_thread::get_id() == owner) return;
        executor.post([&] { helped.count_down(); });
        helped.wait();  // this worker waits, and the other one for this call: it alone can help
      };
      fork_join(
          executor, [] {}, needs_help);
      done.count_down();
    });
    done.wait();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step8_ForkJoin, AWakeUpForWorkIsPassedOnByAWorkerThatHasItsResult) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
    std::latch forked(1), other_ran(1), done(1);
    executor.post([&] {
      fork_join(
          executor, [] {}, [&] { forked.count_down(); });
      other_ran.wait();  // the other worker must run it
      done.count_down();
    });
    forked.wait();
    executor.post([&] { other_ran.count_down(); });
    done.wait();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

// Step 9: scopes.

TEST(Step9_TaskScope, NothingOutlivesTheScope) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
    int a = 0, b = 0;
    {
      TaskScope scope(executor);
      scope.spawn([&] {
        a = 1;
        scope.spawn([&] { b = 1; });
      });
    }
    EXPECT_EQ(a + b, 2);
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step9_TaskScope, AnErrorThatNobodyIsToldIsDestroyedInTime) {
  struct Error {
    explicit Error(std::atomic<int>& alive) : alive(alive) { ++alive; }
    Error(const Error& other) : Error(other.alive) {}
    ~Error() { --alive; }
    std::atomic<int>& alive;
  };
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 1, .spins_before_sleep = 0}};
    std::atomic<int> alive = 0;
    TaskScope scope(executor);
    for (int i = 0; i < 2; ++i) scope.spawn([&] { throw Error(alive); });
    EXPECT_THROW(scope.join(), Error);
    EXPECT_EQ(alive, 0) << "a job has ended, and what it has thrown is destroyed later";
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step9_TaskScope, OfTwoErrorsOneIsTold) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
    TaskScope scope(executor);
    for (int i = 0; i < 2; ++i) scope.spawn([] { throw std::runtime_error("burnt"); });
    EXPECT_THROW(scope.join(), std::runtime_error);
    EXPECT_NO_THROW(scope.join());
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

// Step 10: what it costs.

TEST(Step10_FairAndFast, APostWhileAllWorkersAreBusyWakesNobody) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 1, .spins_before_sleep = 0}};
    std::latch busy(1), go_on(1);
    executor.post([&] {
      busy.count_down();
      go_on.wait();
    });
    busy.wait();
    const explore::Costs before = explore::costs();
    executor.post([] {});
    EXPECT_EQ(explore::costs().notifications, before.notifications) << "there is nobody to be woken";
    go_on.count_down();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step10_FairAndFast, AForkThatNobodyStealsIsFreeUnlessItIsTheLastInItsDeque) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 1, .spins_before_sleep = 0}};
    fork_join(
        executor,
        [&] {
          expect_no_cost([&] {
            fork_join(
                executor, [] {}, [] {});
          });
        },
        [] {});
  };
  EXPECT_TRUE(explore::survives(scenario));
}
