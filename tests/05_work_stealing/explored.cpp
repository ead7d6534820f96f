// Chapter 05 under every schedule that matters: see docs/schedule-explorer.md.

#include "event_count.hpp"
#include "fork_join.hpp"
#include "pitfall_hasty_deque.hpp"
#include "task_scope.hpp"
#include "work_stealing_deque.hpp"
#include "work_stealing_executor.hpp"

#include <array>
#include <atomic>
#include <latch>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "explore.hpp"

using concurrent::EventCount;
using concurrent::ExecutorShutdown;
using concurrent::fork_join;
using concurrent::HastyDeque;
using concurrent::TaskScope;
using concurrent::WorkStealingDeque;
using concurrent::WorkStealingExecutor;

namespace {

/// Which numbers came out of a deque, counted by the threads that took them.
class Tally {
 public:
  void add(std::optional<int> number) {
    if (number) ++seen_[static_cast<std::size_t>(*number)];
  }
  /// Each of the first `count` numbers came out once.
  void expect_each_once(int count) const {
    for (int number = 0; number < count; ++number)
      EXPECT_EQ(seen_[static_cast<std::size_t>(number)].load(), 1)
          << "number " << number << ": 0 means that it was lost, 2 that two threads have taken it";
  }

 private:
  std::array<std::atomic<int>, 8> seen_{};
};

// Executors that are explored sleep at once: with a yield before, the explorer lets whoever notifies go
// first.

/// What an operation may cost: nothing that other cores could see, but for plain stores.
template <class F>
void expect_no_cost(F operation) {
  const explore::Costs before = explore::costs();
  operation();
  const explore::Costs after = explore::costs();
  EXPECT_EQ(after.locks - before.locks, 0u) << "no lock";
  EXPECT_EQ(after.read_modify_writes - before.read_modify_writes, 0u) << "no read-modify-write";
}

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

// Step 4: sleeping, and being woken.

namespace {

/// Work that is to be done, and where threads sleep that have none.
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
  EXPECT_TRUE(explore::survives(scenario, {.preemptions = 3, .spurious = 0}));
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
