// Chapter 05 under every schedule that matters, the executor and what it sleeps on (steps 4 to 8): see
// docs/schedule-explorer.md.
// These executors sleep at once: with a yield before, the explorer lets whoever notifies go first.

#include "event_count.hpp"
#include "expect_no_cost.hpp"
#include "fork_join.hpp"
#include "task_scope.hpp"
#include "work_stealing_executor.hpp"

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>

#include "explore.hpp"

using concurrent::EventCount;
using concurrent::ExecutorShutdown;
using concurrent::fork_join;
using concurrent::TaskScope;
using concurrent::WorkStealingExecutor;

// Step 4: sleeping, and being woken.

namespace {

/// Holds work that is to be done, and lets threads sleep that have none.
struct Desk {
  EventCount events;
  std::atomic<int> open = 0;

  void bring() {
    open.fetch_add(1, std::memory_order_relaxed);
    events.notify_one();
  }
  bool take() {
    int left = open.load(std::memory_order_relaxed);
    while (left > 0)
      if (open.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) return true;
    return false;
  }
  bool has_work() const { return open.load(std::memory_order_relaxed) > 0; }

  /// Takes one piece of work; sleeps until there is one.
  void take_or_sleep() {
    while (!take()) {
      const EventCount::Key key = events.prepare_wait();
      if (has_work())
        events.cancel_wait();
      else
        events.wait(key);
    }
    if (has_work()) events.notify_one();
  }
};

}  // namespace

TEST(Step4_EventCount, NoNotificationIsLostBetweenTheLookAndTheSleep) {
  const auto scenario = [] {
    Desk desk;
    std::jthread sleeper([&] { desk.take_or_sleep(); });
    desk.bring();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step4_EventCount, TwoSleepersGetTheTwoThingsThatCome) {
  const auto scenario = [] {
    Desk desk;
    std::jthread a([&] { desk.take_or_sleep(); });
    std::jthread b([&] { desk.take_or_sleep(); });
    desk.bring();
    desk.bring();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step4_EventCount, WorkThatIsTakenAwayLosesNoLaterWakeUp) {
  const auto scenario = [] {
    Desk desk;
    std::jthread sleeper([&] { desk.take_or_sleep(); });
    desk.bring();
    if (desk.take()) desk.bring();
  };
  EXPECT_TRUE(explore::survives(scenario, {.preemptions = 3, .spurious = 0, .weak = 0}));
}

TEST(Step4_EventCount, NotifyAllWakesBothOfThem) {
  const auto scenario = [] {
    EventCount events;
    std::atomic<bool> open = false;
    const auto wait = [&] {
      while (!open.load(std::memory_order_relaxed)) {
        const EventCount::Key key = events.prepare_wait();
        if (open.load(std::memory_order_relaxed))
          events.cancel_wait();
        else
          events.wait(key);
      }
    };
    std::jthread a(wait), b(wait);
    open.store(true, std::memory_order_relaxed);
    events.notify_all();
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step4_EventCount, WhileNobodySleepsANotificationIsFree) {
  const auto scenario = [] {
    EventCount events;
    const auto notify = [&] {
      events.notify_one();
      events.notify_all();
    };
    const explore::Costs before = explore::costs();
    expect_no_cost(notify);
    static_cast<void>(events.prepare_wait());
    events.cancel_wait();
    expect_no_cost(notify);
    EXPECT_EQ(explore::costs().notifications, before.notifications) << "and it wakes nobody";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 5: the executor.

TEST(Step5_Executor, EveryJobRunsOnceWhoeverPostsIt) {
  const auto scenario = [] {
    std::atomic<int> ran = 0;
    {
      WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
      std::jthread other([&] { executor.post([&] { ++ran; }); });
      executor.post([&] { ++ran; });
    }
    EXPECT_EQ(ran, 2);
  };
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700}));
}

TEST(Step5_Executor, APostIsNoticedByAWorkerThatIsAboutToSleep) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 1, .spins_before_sleep = 0}};
    std::latch ran(1);
    executor.post([&] { ran.count_down(); });
    ran.wait();  // the end of the executor, which wakes everybody, has not come yet
  };
  EXPECT_TRUE(explore::survives(scenario, {.spurious = 0}));
}

TEST(Step5_Executor, JobsThatWaitForEachOtherEachGetAWorker) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700, .spurious = 0}));
}

TEST(Step5_Executor, AJobThatAJobPostsIsStolenIfItMustBe) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700, .spurious = 0}));
}

TEST(Step5_Executor, TheEndWaitsForJobsThatJobsPost) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700}));
}

TEST(Step5_Executor, APostWhileAllWorkersAreBusyWakesNobody) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 500}));
}

// Step 6: shutting down.

TEST(Step6_Shutdown, APostEitherRunsOrThrowsWheneverShutdownComes) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700}));
}

TEST(Step6_Shutdown, EveryJobRunsOrIsDestroyedWhenTheRestIsCancelled) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 1, .spins_before_sleep = 0}};
    std::atomic<int> ran = 0;
    const auto future = executor.submit([&] { ++ran; });
    executor.shutdown({.cancel_futures = true});
    EXPECT_TRUE(future.done()) << "nobody would ever finish it";
    EXPECT_EQ(ran, future.cancelled() ? 0 : 1);
  };
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700}));
}

TEST(Step6_Shutdown, EveryShutdownThatWaitsFindsTheWorkersEnded) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700}));
}

// Step 7: fork and join.

TEST(Step7_ForkJoin, BothHaveEndedWhenItReturns) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700, .spurious = 0}));
}

TEST(Step7_ForkJoin, AWaitingWorkerHelps) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700, .spurious = 0}));
}

TEST(Step7_ForkJoin, AForkThatNobodyStealsIsFreeUnlessItIsTheLastInItsDeque) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 500}));
}

TEST(Step7_ForkJoin, AWakeUpForWorkIsPassedOnByAWorkerThatHasItsResult) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 500, .spurious = 0}));
}

// Step 8: scopes.

TEST(Step8_TaskScope, NothingOutlivesTheScope) {
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
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 700, .spurious = 0}));
}

TEST(Step8_TaskScope, OfTwoErrorsOneIsTold) {
  const auto scenario = [] {
    WorkStealingExecutor executor{{.max_workers = 2, .spins_before_sleep = 0}};
    TaskScope scope(executor);
    for (int i = 0; i < 2; ++i) scope.spawn([] { throw std::runtime_error("burnt"); });
    EXPECT_THROW(scope.join(), std::runtime_error);
    EXPECT_NO_THROW(scope.join());
  };
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 500, .spurious = 0}));
}
