// Chapter 05, step 6: workers.

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

TEST(Step6_Workers, EveryJobRunsOnce) {
  std::vector<std::atomic<int>> ran(20'000);
  {
    WorkStealingExecutor executor{{.max_workers = 3}};
    for (auto& count : ran) executor.post([&count] { ++count; });
  }
  EXPECT_TRUE(std::ranges::all_of(ran, [](const auto& count) { return count == 1; }));
}

TEST(Step6_Workers, JobsOfSeveralPostersRunOnce) {
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

TEST(Step6_Workers, JobsRunOnItsWorkersEachWithItsName) {
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

TEST(Step6_Workers, TheNumberOfWorkersIsChecked) {
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

TEST(Step6_Workers, TheInitializerRunsOnEachWorkerBeforeItsFirstJob) {
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

TEST(Step6_Workers, JobsFromOutsideStartInTheirOrder) {
  std::vector<int> order;
  {
    WorkStealingExecutor executor{{.max_workers = 1}};
    for (int i = 0; i < 100; ++i) executor.post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step6_Workers, WhatAJobPostsRunsLastInFirstOut) {
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

TEST(Step6_Workers, AnIdleWorkerStealsWhatABusyOneHasPosted) {
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

TEST(Step6_Workers, AnIdleWorkerTakesWhatLiesInTheInboxOfABusyOne) {
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

TEST(Step6_Workers, ATreeOfJobsRunsToItsLeaves) {
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

TEST(Step6_Workers, IdleWorkersUseNoProcessorTime) {
  WorkStealingExecutor executor{{.max_workers = 3}};
  on_worker(executor, [] {});
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  std::chrono::nanoseconds used{0};
  for (int i = 0; i < 7; ++i) used += course::cpu_time_of_others_while_this_thread_computes();  // 210 ms
  EXPECT_LT(used, std::chrono::milliseconds(2));
}

TEST(Step6_Workers, WorkersThatHaveSleptWorkAgain) {
  std::barrier all(3);
  WorkStealingExecutor executor{{.max_workers = 2}};
  for (int i = 0; i < 20; ++i) {
    for (int job = 0; job < 2; ++job) executor.post([&] { all.arrive_and_wait(); });
    all.arrive_and_wait();  // hangs unless both have been woken
    if (i % 5 == 0) course::wait_until_others_block();
  }
}

TEST(Step6_Workers, ANullJobIsRefused) {
  std::atomic<int> ran = 0;
  {
    WorkStealingExecutor executor{{.max_workers = 1}};
    EXPECT_THROW(executor.post(nullptr), std::invalid_argument);
    executor.post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1);
}

TEST(Step6_Workers, AJobsExceptionGoesToTheHandlerAndTheWorkerLivesOn) {  // CF-25
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

TEST(Step6_Workers, AJobIsDestroyedBeforeTheWorkerLooksForTheNext) {  // CF-32
  std::atomic<int> alive = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  executor.post([owned = std::make_unique<Counted>(alive)] {});
  executor.post([&] { executor.post([owned = std::make_unique<Counted>(alive)] {}); });
  course::wait_until_others_block();
  EXPECT_EQ(alive, 0) << "an idle worker still holds a job, and all that the job owns";
}

TEST(Step6_Workers, TwoExecutorsKeepTheirJobsApart) {
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

TEST(Step6_Workers, TheEndWaitsForTheWork) {  // CF-43
  std::atomic<int> ran = 0, alive = 0;
  {
    WorkStealingExecutor executor{{.max_workers = 2}};
    for (int i = 0; i < 500; ++i) executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  }
  EXPECT_EQ(ran, 500);
  EXPECT_EQ(alive, 0);
}

TEST(Step6_Workers, AnExecutorWithNothingToDoEnds) {
  for (const int workers : {1, 3}) {
    WorkStealingExecutor executor{{.max_workers = workers}};
    course::wait_until_others_block();
  }
  EXPECT_EQ(course::live_threads(), 1u);
}
