#include "event_count.hpp"
#include "fork_join.hpp"
#include "task_scope.hpp"
#include "work_stealing_deque.hpp"
#include "work_stealing_executor.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::EventCount;
using concurrent::fork_join;
using concurrent::Job;
using concurrent::TaskScope;
using concurrent::WorkStealingDeque;
using concurrent::WorkStealingExecutor;
using course::AtEnd;
using course::Counted;
using course::what;
using Log = std::vector<std::string>;

namespace {

/// Keeps workers busy until they are told to go on.
class Gate {
 public:
  void open() {
    opened_ = 1;
    opened_.notify_all();
  }
  Job job() {
    return [this] { pass(); };
  }
  void pass() {
    entered_.release();
    opened_.wait(0);
  }
  void wait_until_entered() { entered_.acquire(); }

 private:
  std::counting_semaphore<> entered_{0};
  std::atomic<int> opened_ = 0;
};

/// Opens a gate however a test ends. Declared after the executor: it joins its workers.
struct OpenAtTheEnd {
  explicit OpenAtTheEnd(Gate& gate) : gate(gate) {}
  ~OpenAtTheEnd() { gate.open(); }
  Gate& gate;
};

/// Runs `fn` on a worker of `executor`, and returns when it has ended.
template <class F>
void on_worker(WorkStealingExecutor& executor, F fn) {
  std::binary_semaphore done(0);
  executor.post([&] {
    fn();
    done.release();
  });
  done.acquire();
}

}  // namespace

// Step 1: the owner puts items in.

TEST(Step1_Push, SizeCountsWhatWasPushed) {
  WorkStealingDeque<int> deque;
  EXPECT_TRUE(deque.empty());
  for (int i = 0; i < 3; ++i) deque.push(i);
  EXPECT_EQ(deque.size(), 3u);
  EXPECT_FALSE(deque.empty());
}

TEST(Step1_Push, APushAllocatesNothingAsLongAsThereIsRoom) {
  WorkStealingDeque<int> deque(8);
  EXPECT_EQ(course::allocations_in([&] {
              for (int i = 0; i < 8; ++i) deque.push(i);
            }),
            0u);
  EXPECT_EQ(deque.capacity(), 8u);
}

// Step 2: the owner takes them out.

TEST(Step2_Pop, TheItemThatWasPushedLastComesOutFirst) {
  WorkStealingDeque<int> deque;
  for (int i = 0; i < 10; ++i) deque.push(i);
  for (int i = 9; i >= 0; --i) EXPECT_EQ(deque.pop(), i);
}

TEST(Step2_Pop, AnEmptyDequeGivesNothingAndStaysUsable) {
  WorkStealingDeque<int> deque;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(deque.pop(), std::nullopt);
  EXPECT_EQ(deque.size(), 0u);
  deque.push(7);
  EXPECT_EQ(deque.size(), 1u);
  EXPECT_EQ(deque.pop(), 7);
  EXPECT_EQ(deque.pop(), std::nullopt);
}

TEST(Step2_Pop, PushAndPopMayAlternate) {
  WorkStealingDeque<int> deque(4);
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 3; ++i) deque.push(3 * round + i);
    ASSERT_EQ(deque.pop(), 3 * round + 2);
    ASSERT_EQ(deque.pop(), 3 * round + 1);
    ASSERT_EQ(deque.pop(), 3 * round);
    ASSERT_EQ(deque.pop(), std::nullopt);
  }
  EXPECT_EQ(deque.capacity(), 4u) << "the slots are used again: it need not grow";
}

TEST(Step2_Pop, AFullDequeDoublesItsRoom) {
  WorkStealingDeque<int> deque(2);
  for (int i = 0; i < 100; ++i) deque.push(i);
  EXPECT_EQ(deque.size(), 100u);
  EXPECT_EQ(deque.capacity(), 128u);
  for (int i = 99; i >= 0; --i) ASSERT_EQ(deque.pop(), i) << "items keep their number when they move";
}

// Step 3: thieves.

TEST(Step3_Steal, TheOldestItemIsStolenFirst) {
  WorkStealingDeque<int> deque;
  for (int i = 0; i < 10; ++i) deque.push(i);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(deque.steal(), i);
  EXPECT_EQ(deque.steal(), std::nullopt);
}

TEST(Step3_Steal, BothEndsMeetInTheMiddle) {
  WorkStealingDeque<int> deque;
  for (int i = 0; i < 5; ++i) deque.push(i);
  EXPECT_EQ(deque.steal(), 0);
  EXPECT_EQ(deque.pop(), 4);
  EXPECT_EQ(deque.steal(), 1);
  EXPECT_EQ(deque.pop(), 3);
  EXPECT_EQ(deque.size(), 1u);
  EXPECT_EQ(deque.pop(), 2);
  EXPECT_EQ(deque.steal(), std::nullopt);
  EXPECT_EQ(deque.pop(), std::nullopt);
}

TEST(Step3_Steal, StolenRoomIsUsedAgain) {
  WorkStealingDeque<int> deque(4);
  for (int i = 0; i < 1'000; ++i) {
    deque.push(i);
    deque.push(-i);
    ASSERT_EQ(deque.steal(), i);
    ASSERT_EQ(deque.pop(), -i);
  }
  EXPECT_EQ(deque.capacity(), 4u);
}

TEST(Step3_Steal, ItGrowsRightWhereverItsItemsLie) {
  WorkStealingDeque<int> deque(4);
  for (int i = 0; i < 3; ++i) deque.push(-1);
  for (int i = 0; i < 3; ++i) deque.steal();  // now the items lie across the end of the slots
  for (int i = 0; i < 9; ++i) deque.push(i);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(deque.steal(), i);
}

TEST(Step3_Steal, NoItemIsLostOrDoubledBetweenThreads) {
  constexpr int items = 100'000;
  WorkStealingDeque<int> deque(2);
  std::vector<std::atomic<int>> seen(items);
  std::atomic<bool> over = false;
  {
    std::vector<std::jthread> thieves;
    for (int i = 0; i < 2; ++i)
      thieves.emplace_back([&] {
        while (!over || !deque.empty())
          if (const auto item = deque.steal()) ++seen[static_cast<std::size_t>(*item)];
      });
    for (int i = 0; i < items; ++i) {
      deque.push(i);
      if (i % 3 != 0) continue;
      if (const auto item = deque.pop()) ++seen[static_cast<std::size_t>(*item)];
    }
    over = true;
  }
  EXPECT_TRUE(std::ranges::all_of(seen, [](const auto& count) { return count == 1; }));
}

// Step 4: sleeping without a lock around what is waited for.

TEST(Step4_EventCount, AWaitSleepsUntilSomebodyNotifies) {
  EventCount events;
  std::atomic<bool> woken = false;
  std::thread sleeper([&] {
    events.wait(events.prepare_wait());
    woken = true;
  });
  course::wait_until_others_block();
  EXPECT_FALSE(woken);
  events.notify_one();
  sleeper.join();
}

TEST(Step4_EventCount, ANotificationAfterTheAnnouncementEndsTheWaitAtOnce) {
  EventCount events;
  for (int i = 0; i < 2; ++i) {
    const EventCount::Key one = events.prepare_wait();
    events.notify_one();
    events.wait(one);  // hangs if it sleeps
    const EventCount::Key all = events.prepare_wait();
    events.notify_all();
    events.wait(all);
  }
}

TEST(Step4_EventCount, NotifyOneWakesOneAtATime) {
  EventCount events;
  std::atomic<int> woken = 0;
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i)
    sleepers.emplace_back([&] {
      events.wait(events.prepare_wait());
      ++woken;
    });
  for (int expected = 1; expected <= 3; ++expected) {
    course::wait_until_others_block();
    events.notify_one();
    course::wait_until_others_block();
    EXPECT_EQ(woken, expected);
  }
  for (auto& sleeper : sleepers) sleeper.join();
}

TEST(Step4_EventCount, NotifyAllWakesAll) {
  EventCount events;
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i) sleepers.emplace_back([&] { events.wait(events.prepare_wait()); });
  course::wait_until_others_block();
  events.notify_all();
  for (auto& sleeper : sleepers) sleeper.join();
}

TEST(Step4_EventCount, AnAnnouncementCanBeTakenBack) {
  EventCount events;
  EXPECT_FALSE(events.has_sleepers());
  static_cast<void>(events.prepare_wait());
  EXPECT_TRUE(events.has_sleepers());
  events.cancel_wait();
  EXPECT_FALSE(events.has_sleepers());
}

TEST(Step4_EventCount, WaitingUsesNoProcessorTime) {
  EventCount events;
  std::thread sleeper([&] { events.wait(events.prepare_wait()); });
  course::wait_until_others_block();
  EXPECT_EQ(course::cpu_time_of_others_while_this_thread_computes().count(), 0);
  events.notify_one();
  sleeper.join();
}

// Step 5: workers.

TEST(Step5_Executor, EveryJobRunsOnce) {
  std::vector<std::atomic<int>> ran(20'000);
  {
    WorkStealingExecutor executor{{.max_workers = 3}};
    for (auto& count : ran) executor.post([&count] { ++count; });
  }
  EXPECT_TRUE(std::ranges::all_of(ran, [](const auto& count) { return count == 1; }));
}

TEST(Step5_Executor, JobsOfSeveralPostersRunOnce) {
  std::vector<std::atomic<int>> ran(8'000);
  {
    WorkStealingExecutor executor{{.max_workers = 2}};
    std::vector<std::jthread> posters;
    for (std::size_t first = 0; first < ran.size(); first += 2'000)
      posters.emplace_back([&, first] {
        for (std::size_t i = first; i < first + 2'000; ++i) executor.post([&ran, i] { ++ran[i]; });
      });
  }
  EXPECT_TRUE(std::ranges::all_of(ran, [](const auto& count) { return count == 1; }));
}

TEST(Step5_Executor, JobsRunOnItsWorkersEachWithItsName) {
  std::set<std::string> names;
  std::set<std::thread::id> threads;
  {
    std::mutex mutex;
    std::barrier both(2);
    WorkStealingExecutor executor{{.max_workers = 2, .thread_name_prefix = "cook"}};
    EXPECT_EQ(executor.max_workers(), 2u);
    for (int i = 0; i < 2; ++i)
      executor.post([&] {
        both.arrive_and_wait();  // hangs unless two run at the same time
        std::lock_guard lock(mutex);
        names.insert(concurrent::thread_name());
        threads.insert(std::this_thread::get_id());
      });
  }
  EXPECT_EQ(names, (std::set<std::string>{"cook_0", "cook_1"}));
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST(Step5_Executor, TheNumberOfWorkersIsChecked) {
  EXPECT_THROW(WorkStealingExecutor{{.max_workers = 0}}, std::invalid_argument);
  EXPECT_THROW(WorkStealingExecutor{{.max_workers = -3}}, std::invalid_argument);
  std::atomic<int> ran = 0;
  {
    WorkStealingExecutor executor;
    EXPECT_EQ(executor.max_workers(), std::max(1u, std::thread::hardware_concurrency()));
    executor.post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Executor, TheInitializerRunsOnEachWorkerBeforeItsFirstJob) {
  std::atomic<int> initialized = 0;
  {
    Gate gate;
    WorkStealingExecutor executor{{.max_workers = 2, .initializer = [&] { ++initialized; }}};
    OpenAtTheEnd open(gate);
    for (int i = 0; i < 2; ++i) executor.post(gate.job());
    for (int i = 0; i < 2; ++i) gate.wait_until_entered();
    EXPECT_EQ(initialized, 2);
  }
  EXPECT_EQ(initialized, 2);
}

TEST(Step5_Executor, JobsFromOutsideStartInTheirOrder) {
  std::vector<int> order;
  {
    WorkStealingExecutor executor{{.max_workers = 1}};
    for (int i = 0; i < 100; ++i) executor.post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step5_Executor, WhatAJobPostsRunsLastInFirstOut) {
  Log log;
  {
    WorkStealingExecutor executor{{.max_workers = 1}};
    on_worker(executor, [&] {
      for (const char* name : {"first", "second", "third"}) executor.post([&, name] { log.push_back(name); });
      log.push_back("job ends");
    });
  }
  EXPECT_EQ(log, (Log{"job ends", "third", "second", "first"}));
}

TEST(Step5_Executor, AJobThatAJobPostsCostsOneAllocation) {
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

TEST(Step5_Executor, AnIdleWorkerStealsWhatABusyOneHasPosted) {
  std::thread::id poster, thief;
  WorkStealingExecutor executor{{.max_workers = 2}};
  on_worker(executor, [&] {
    poster = std::this_thread::get_id();
    std::binary_semaphore stolen(0);
    executor.post([&] {
      thief = std::this_thread::get_id();
      stolen.release();
    });
    stolen.acquire();  // hangs unless another worker runs it
  });
  EXPECT_NE(poster, thief);
}

TEST(Step5_Executor, AnIdleWorkerTakesWhatLiesInTheInboxOfABusyOne) {
  std::atomic<int> ran = 0;
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 2}};
  OpenAtTheEnd open(gate);
  executor.post(gate.job());
  gate.wait_until_entered();
  for (int i = 0; i < 10; ++i) executor.post([&] { ++ran; });
  course::wait_until_others_block();
  EXPECT_EQ(ran, 10) << "half of them were given to the worker that is busy";
}

TEST(Step5_Executor, AJobThatPostsItselfAgainAndAgainStarvesNobody) {
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

TEST(Step5_Executor, ATreeOfJobsRunsToItsLeaves) {
  std::atomic<int> leaves = 0;
  std::latch all(1 << 12);
  std::function<void(int)> grow;
  WorkStealingExecutor executor{{.max_workers = 3}};
  grow = [&](int height) {
    if (height == 0) {
      ++leaves;
      all.count_down();
      return;
    }
    for (int i = 0; i < 2; ++i) executor.post([&, height] { grow(height - 1); });
  };
  executor.post([&] { grow(12); });
  all.wait();
  EXPECT_EQ(leaves, 1 << 12);
}

TEST(Step5_Executor, IdleWorkersUseNoProcessorTime) {
  WorkStealingExecutor executor{{.max_workers = 3}};
  on_worker(executor, [] {});
  course::wait_until_others_block();
  std::chrono::nanoseconds used{0};
  for (int i = 0; i < 7; ++i) used += course::cpu_time_of_others_while_this_thread_computes();  // 210 ms
  EXPECT_LT(used, std::chrono::milliseconds(2));
}

TEST(Step5_Executor, WorkersThatHaveSleptWorkAgain) {
  std::barrier all(3);
  WorkStealingExecutor executor{{.max_workers = 2}};
  for (int i = 0; i < 20; ++i) {
    for (int job = 0; job < 2; ++job) executor.post([&] { all.arrive_and_wait(); });
    all.arrive_and_wait();  // hangs unless both have been woken
    if (i % 5 == 0) course::wait_until_others_block();
  }
}

TEST(Step5_Executor, ANullJobIsRefused) {
  std::atomic<int> ran = 0;
  {
    WorkStealingExecutor executor{{.max_workers = 1}};
    EXPECT_THROW(executor.post(nullptr), std::invalid_argument);
    executor.post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Executor, AJobsExceptionGoesToTheHandlerAndTheWorkerLivesOn) {  // CF-25
  Log errors;
  std::atomic<int> ran = 0;
  {
    WorkStealingExecutor executor{{.max_workers = 1}};
    executor.set_exception_handler([&](std::exception_ptr error) { errors.push_back(what(error)); });
    executor.post([] { throw std::runtime_error("burnt"); });
    executor.post([] { throw 7; });
    executor.post([&] { ++ran; });
  }
  EXPECT_EQ(errors, (Log{"burnt", "7"}));
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Executor, AJobIsDestroyedBeforeTheWorkerLooksForTheNext) {  // CF-32
  std::atomic<int> alive = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  executor.post([owned = std::make_unique<Counted>(alive)] {});
  executor.post([&] { executor.post([owned = std::make_unique<Counted>(alive)] {}); });
  course::wait_until_others_block();
  EXPECT_EQ(alive, 0) << "an idle worker still holds a job, and all that the job owns";
}

TEST(Step5_Executor, TwoExecutorsKeepTheirJobsApart) {
  std::string ran_on;
  WorkStealingExecutor other{{.max_workers = 1, .thread_name_prefix = "other"}};
  WorkStealingExecutor executor{{.max_workers = 1, .thread_name_prefix = "this"}};
  on_worker(executor, [&] {
    std::binary_semaphore done(0);
    other.post([&] {
      ran_on = concurrent::thread_name();
      done.release();
    });
    done.acquire();
  });
  EXPECT_EQ(ran_on, "other_0") << "a worker of one executor is a stranger to another";
}

TEST(Step5_Executor, TheEndWaitsForTheWork) {  // CF-43
  std::atomic<int> ran = 0, alive = 0;
  {
    WorkStealingExecutor executor{{.max_workers = 2}};
    for (int i = 0; i < 500; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  }
  EXPECT_EQ(ran, 500);
  EXPECT_EQ(alive, 0);
}

TEST(Step5_Executor, AnExecutorWithNothingToDoEnds) {
  for (const int workers : {1, 3}) {
    WorkStealingExecutor executor{{.max_workers = workers}};
    course::wait_until_others_block();
  }
  EXPECT_EQ(course::live_threads(), 1u);
}

// Step 6: shutting down.

TEST(Step6_Shutdown, PostAfterShutdownThrows) {  // CF-39
  std::atomic<int> alive = 0, ran = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  executor.post([&] { ++ran; });
  executor.shutdown();
  EXPECT_THROW(executor.post([owned = std::make_unique<Counted>(alive)] {}), concurrent::ExecutorShutdown);
  EXPECT_EQ(alive, 0) << "a job that is refused is destroyed";
  EXPECT_EQ(ran, 1);
}

TEST(Step6_Shutdown, AJobThatPostsAfterShutdownIsToldToo) {  // CF-39
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

TEST(Step6_Shutdown, WithoutWaitItReturnsAtOnceAndTheWorkIsStillDone) {  // CF-41
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

TEST(Step6_Shutdown, ShuttingDownAgainDoesNothing) {  // CF-40
  std::atomic<int> ran = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  executor.post([&] { ++ran; });
  executor.shutdown({.wait = false});
  executor.shutdown();
  executor.shutdown({.cancel_futures = true});
  executor.shutdown();
  EXPECT_EQ(ran, 1);
}

TEST(Step6_Shutdown, CancelledJobsAreDestroyedUnrunWhereverTheyAre) {  // CF-42
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

TEST(Step6_Shutdown, ADroppedJobTellsItsFuture) {  // CF-42
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 1}};
  OpenAtTheEnd open(gate);
  executor.post(gate.job());
  gate.wait_until_entered();
  const auto future = executor.submit([] { return 7; });
  executor.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_TRUE(future.cancelled());
}

TEST(Step6_Shutdown, ACancelledJobsDestructorMayUseTheExecutor) {
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

TEST(Step6_Shutdown, PostsRacingWithShutdownEitherRunOrThrow) {  // CF-39
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

TEST(Step6_Shutdown, AWorkerThatWouldWaitForItselfIsTold) {
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

TEST(Step6_Shutdown, NoWorkerGoesHomeWhileAJobStillRuns) {
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

TEST(Step6_Shutdown, AFailedInitializerBreaksIt) {  // CF-38
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

// Step 7: fork and join.

namespace {

long fib(WorkStealingExecutor& executor, int n) {
  if (n < 2) return n;
  long a = 0, b = 0;
  fork_join(
      executor, [&] { a = fib(executor, n - 1); }, [&] { b = fib(executor, n - 2); });
  return a + b;
}

}  // namespace

TEST(Step7_ForkJoin, BothAreCalledOnce) {
  std::atomic<int> first = 0, second = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  on_worker(executor, [&] {
    for (int i = 0; i < 100; ++i) {
      fork_join(
          executor, [&] { ++first; }, [&] { ++second; });
      EXPECT_EQ(first, i + 1);
      EXPECT_EQ(second, i + 1) << "fork_join() returns when both have ended";
    }
  });
}

TEST(Step7_ForkJoin, WorkMaySplitItselfAgainAndAgain) {
  for (int workers : {1, 2, 4}) {
    WorkStealingExecutor executor{{.max_workers = workers}};
    long result = 0;
    on_worker(executor, [&] { result = fib(executor, 20); });
    EXPECT_EQ(result, 6'765);
  }
}

TEST(Step7_ForkJoin, FromOutsideItGoesToAWorker) {
  std::set<std::string> names;
  WorkStealingExecutor executor{{.max_workers = 1, .thread_name_prefix = "cook"}};
  fork_join(
      executor, [&] { names.insert(concurrent::thread_name()); },
      [&] { names.insert(concurrent::thread_name()); });
  EXPECT_EQ(names, std::set<std::string>{"cook_0"});
  EXPECT_THROW(fork_join(
                   executor, [] {}, [] { throw std::runtime_error("burnt"); }),
               std::runtime_error);
  executor.shutdown();
  EXPECT_THROW(fork_join(
                   executor, [] {}, [] {}),
               concurrent::ExecutorShutdown);
}

TEST(Step7_ForkJoin, TheFirstErrorIsThrownAndBothAreCalled) {
  Log log;
  WorkStealingExecutor executor{{.max_workers = 1}};
  const auto call = [&](const char* first, const char* second) {
    int called = 0;
    const auto fail = [&](const char* error) {
      ++called;
      if (*error) throw std::runtime_error(error);
    };
    try {
      fork_join(
          executor, [&] { fail(first); }, [&] { fail(second); });
      log.push_back("no error");
    } catch (const std::runtime_error& error) {
      log.push_back(error.what());
    }
    EXPECT_EQ(called, 2);
  };
  on_worker(executor, [&] {
    call("", "");
    call("first", "");
    call("", "second");
    call("first", "second");
  });
  EXPECT_EQ(log, (Log{"no error", "first", "second", "first"}));
}

TEST(Step7_ForkJoin, AnErrorWaitsForWhatWasStolen) {
  std::atomic<bool> ended = false, saw_it_ended = false;
  WorkStealingExecutor executor{{.max_workers = 2}};
  Gate gate;
  std::thread opener([&] {
    gate.wait_until_entered();
    course::wait_until_others_block();
    gate.open();
  });
  on_worker(executor, [&] {
    const auto owner = std::this_thread::get_id();
    std::atomic<bool> stolen = false;
    while (!stolen) {  // until the other worker comes for it
      try {
        fork_join(
            executor,
            [&] {
              for (int i = 0; i < 1'000 && !stolen; ++i) std::this_thread::yield();
              throw std::runtime_error("burnt");
            },
            [&] {
              if (std::this_thread::get_id() == owner) return;
              stolen = true;
              gate.pass();
              ended = true;
            });
      } catch (const std::runtime_error&) {
        saw_it_ended = ended.load();
      }
    }
  });
  opener.join();
  EXPECT_TRUE(saw_it_ended) << "the other call uses what is on this stack";
}

TEST(Step7_ForkJoin, ItAllocatesNothing) {
  WorkStealingExecutor executor{{.max_workers = 1}};
  std::size_t allocations = 1;
  on_worker(executor, [&] {
    fib(executor, 10);
    allocations = course::allocations_in([&] { fib(executor, 10); });
  });
  EXPECT_EQ(allocations, 0u) << "what is forked lies on the stack";
}

TEST(Step7_ForkJoin, WorkThatRunsMayForkAfterShutdown) {
  long result = 0;
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 2}};
  executor.post([&] {
    gate.pass();
    result = fib(executor, 15);
  });
  gate.wait_until_entered();
  executor.shutdown({.wait = false, .cancel_futures = true});
  gate.open();
  executor.shutdown();
  EXPECT_EQ(result, 610) << "what is forked is part of the job that runs: it is neither refused nor dropped";
}

// Step 8: scopes.

TEST(Step8_TaskScope, JoinWaitsForAllJobs) {
  for (const bool inside : {false, true}) {
    std::vector<std::atomic<int>> ran(100);
    WorkStealingExecutor executor{{.max_workers = 2}};
    const auto use = [&] {
      TaskScope scope(executor);
      for (auto& count : ran) scope.spawn([&count] { ++count; });
      scope.join();
      EXPECT_TRUE(std::ranges::all_of(ran, [](const auto& count) { return count == 1; }));
    };
    if (inside)
      on_worker(executor, use);
    else
      use();
  }
}

TEST(Step8_TaskScope, ItsEndWaitsToo) {
  std::atomic<int> ran = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  {
    TaskScope scope(executor);
    for (int i = 0; i < 100; ++i) scope.spawn([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
  {
    TaskScope scope(executor);
    scope.spawn([] { throw std::runtime_error("burnt"); });
  }  // nobody asked for the error
}

TEST(Step8_TaskScope, AWorkerThatJoinsRunsTheJobsItself) {
  std::atomic<int> ran = 0;
  WorkStealingExecutor executor{{.max_workers = 1}};
  on_worker(executor, [&] {
    TaskScope scope(executor);
    for (int i = 0; i < 10; ++i) scope.spawn([&] { ++ran; });
    scope.join();  // hangs if the only worker sleeps
  });
  EXPECT_EQ(ran, 10);
}

TEST(Step8_TaskScope, JobsMaySpawnJobs) {
  std::atomic<int> ran = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  TaskScope scope(executor);
  std::function<void(int)> grow = [&](int height) {
    ++ran;
    for (int i = 0; i < 2 && height > 0; ++i) scope.spawn([&, height] { grow(height - 1); });
  };
  scope.spawn([&] { grow(8); });
  scope.join();
  EXPECT_EQ(ran, (1 << 9) - 1);
}

TEST(Step8_TaskScope, ScopesMayNest) {
  std::atomic<int> leaves = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  std::function<void(int)> grow = [&](int height) {
    if (height == 0) {
      ++leaves;
      return;
    }
    TaskScope scope(executor);
    for (int i = 0; i < 3; ++i) scope.spawn([&, height] { grow(height - 1); });
    scope.join();
  };
  on_worker(executor, [&] { grow(5); });
  EXPECT_EQ(leaves, 243);
}

TEST(Step8_TaskScope, TheFirstErrorIsThrownOnceAllHaveEnded) {
  std::atomic<int> ran = 0;
  WorkStealingExecutor executor{{.max_workers = 1}};
  TaskScope scope(executor);
  scope.spawn([] { throw std::runtime_error("first"); });
  scope.spawn([] { throw std::runtime_error("second"); });
  scope.spawn([&] { ++ran; });
  try {
    scope.join();
    ADD_FAILURE() << "join() must throw";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
  EXPECT_EQ(ran, 1) << "the others run all the same";
  scope.spawn([&] { ++ran; });
  EXPECT_NO_THROW(scope.join()) << "the scope can be used again, and the error has been told";
  EXPECT_EQ(ran, 2);
}

TEST(Step8_TaskScope, ItsErrorsAreNotTheExecutorsAffair) {
  int told = 0;
  WorkStealingExecutor executor{{.max_workers = 1}};
  executor.set_exception_handler([&](std::exception_ptr) { ++told; });
  TaskScope scope(executor);
  scope.spawn([] { throw 7; });
  EXPECT_THROW(scope.join(), int);
  executor.shutdown();
  EXPECT_EQ(told, 0);
}

TEST(Step8_TaskScope, AJobIsDestroyedBeforeTheScopeEnds) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> alive = 0;
    WorkStealingExecutor executor{{.max_workers = 2}};
    TaskScope scope(executor);
    for (int i = 0; i < 4; ++i) {
      // A function that is copied when it is moved: whoever moves it out still owns the original.
      const std::shared_ptr<Counted> owned = std::make_shared<Counted>(alive);
      scope.spawn([owned] {});
    }
    scope.join();
    ASSERT_EQ(alive, 0);
  }
}

TEST(Step8_TaskScope, WhatTheExecutorDropsIsCancelled) {  // CF-42
  std::atomic<int> ran = 0;
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 1}};
  OpenAtTheEnd open(gate);
  executor.post(gate.job());
  gate.wait_until_entered();
  TaskScope scope(executor);
  for (int i = 0; i < 3; ++i) scope.spawn([&] { ++ran; });
  executor.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_THROW(scope.join(), concurrent::CancelledError);
  EXPECT_EQ(ran, 0);
}

TEST(Step8_TaskScope, WhatABrokenExecutorDropsIsToldWhy) {  // CF-38
  std::latch fail(1);
  WorkStealingExecutor executor{{.max_workers = 1, .initializer = [&] {
                                   fail.wait();
                                   throw std::runtime_error("no stove");
                                 }}};
  executor.set_exception_handler([](std::exception_ptr) {});
  TaskScope scope(executor);
  scope.spawn([] {});
  fail.count_down();
  EXPECT_THROW(scope.join(), concurrent::BrokenThreadPool);
}

TEST(Step8_TaskScope, AfterShutdownSpawnThrowsAndNothingIsWaitedFor) {  // CF-39
  WorkStealingExecutor executor{{.max_workers = 1}};
  executor.shutdown();
  TaskScope scope(executor);
  EXPECT_THROW(scope.spawn([] {}), concurrent::ExecutorShutdown);
  EXPECT_THROW(scope.join(), concurrent::CancelledError) << "the job was destroyed unrun";
}

TEST(Step8_TaskScope, AThreadOutsideSleepsUntilItIsDone) {
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 1}};
  std::thread outside([&] {
    TaskScope scope(executor);
    scope.spawn([&] { gate.pass(); });
    scope.join();
  });
  gate.wait_until_entered();
  course::wait_until_others_block();
  EXPECT_EQ(course::cpu_time_of_others_while_this_thread_computes().count(), 0);
  gate.open();
  outside.join();
}
