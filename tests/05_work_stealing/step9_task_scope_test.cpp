// Chapter 05, step 9: scopes.

#include "fork_join.hpp"
#include "support.hpp"
#include "task_scope.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using concurrent::TaskScope;

TEST(Step9_TaskScope, JoinWaitsForAllJobs) {
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

TEST(Step9_TaskScope, ItsEndWaitsToo) {
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

TEST(Step9_TaskScope, AWorkerThatJoinsRunsTheJobsItself) {
  std::atomic<int> ran = 0;
  WorkStealingExecutor executor{{.max_workers = 1}};
  on_worker(executor, [&] {
    TaskScope scope(executor);
    for (int i = 0; i < 10; ++i) scope.spawn([&] { ++ran; });
    scope.join();  // hangs if the only worker sleeps
  });
  EXPECT_EQ(ran, 10);
}

TEST(Step9_TaskScope, AWorkerThatJoinsTakesItsOwnForkIfThereIsNothingElse) {
  std::latch begun(1), forked(1);
  WorkStealingExecutor executor{{.max_workers = 2}};
  on_worker(executor, [&] {
    TaskScope scope(executor);
    scope.spawn([&] {
      begun.count_down();
      forked.wait();
    });
    begun.wait();  // from here on the other worker is busy
    concurrent::fork_join(
        executor, [&] { scope.join(); }, [&] { forked.count_down(); });
  });
}

TEST(Step9_TaskScope, JobsMaySpawnJobs) {
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

TEST(Step9_TaskScope, ScopesMayNest) {
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

TEST(Step9_TaskScope, TheFirstErrorIsThrownOnceAllHaveEnded) {
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

TEST(Step9_TaskScope, ItsErrorsAreNotTheExecutorsAffair) {
  int told = 0;
  WorkStealingExecutor executor{{.max_workers = 1}};
  executor.set_exception_handler([&](std::exception_ptr) { ++told; });
  TaskScope scope(executor);
  scope.spawn([] { throw 7; });
  EXPECT_THROW(scope.join(), int);
  executor.shutdown();
  EXPECT_EQ(told, 0);
}

TEST(Step9_TaskScope, AJobIsDestroyedBeforeTheScopeEnds) {
  std::atomic<bool> joined = false, early = false;
  std::latch gone(1);
  struct Owned {
    std::atomic<bool>&joined, &early;
    std::latch& gone;
    ~Owned() {
      course::wait_until_others_block();  // in join(), or behind it
      early = joined.load();
      gone.count_down();
    }
  };
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 1}};
  OpenAtTheEnd open(gate);
  executor.post(gate.job());
  gate.wait_until_entered();
  TaskScope scope(executor);
  {
    // A function that is copied when it is moved: whoever moves it out still owns the original.
    const std::shared_ptr<Owned> owned(new Owned{joined, early, gone});
    scope.spawn([owned] {});
  }
  gate.open();
  scope.join();
  joined = true;
  gone.wait();
  EXPECT_FALSE(early) << "the scope has ended while a job of it was still being destroyed";
}

TEST(Step9_TaskScope, WhatTheExecutorDropsIsCancelled) {  // CF-42
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

TEST(Step9_TaskScope, WhatABrokenExecutorDropsIsToldWhy) {  // CF-38
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

TEST(Step9_TaskScope, AfterShutdownSpawnThrowsAndNothingIsWaitedFor) {  // CF-39
  WorkStealingExecutor executor{{.max_workers = 1}};
  executor.shutdown();
  TaskScope scope(executor);
  EXPECT_THROW(scope.spawn([] {}), concurrent::ExecutorShutdown);
  EXPECT_THROW(scope.join(), concurrent::CancelledError) << "the job was destroyed unrun";
}

TEST(Step9_TaskScope, AThreadOutsideSleepsUntilItIsDone) {
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 1}};
  std::thread outside([&] {
    TaskScope scope(executor);
    scope.spawn([&] { gate.pass(); });
    scope.join();
  });
  gate.wait_until_entered();
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  gate.open();
  outside.join();
}

TEST(Step9_TaskScope, AnythingMayBeThrownAndTheScopeCanBeUsedAgain) {
  WorkStealingExecutor executor{{.max_workers = 2}};
  TaskScope scope(executor);
  scope.spawn([] { throw 7; });
  EXPECT_EQ(course::error_of([&] { scope.join(); }), "7");
  EXPECT_EQ(course::error_of([&] { scope.join(); }), "nothing") << "the error was told";
  std::atomic<int> ran = 0;
  scope.spawn([&] { ++ran; });
  EXPECT_EQ(course::error_of([&] { scope.join(); }), "nothing");
  scope.spawn([] { throw 8; });
  EXPECT_EQ(course::error_of([&] { scope.join(); }), "8") << "the error of this time";
  EXPECT_EQ(ran, 1);
}

TEST(Step9_TaskScope, AJobForWhichThereIsNoMemoryIsDestroyedAndNotWaitedFor) {
  for (const bool from_outside : {false, true}) {
    const int failures = course::until_memory_suffices([&](course::Memory& memory) {
      std::atomic<int> alive = 0, ran = 0;
      WorkStealingExecutor executor{{.max_workers = 1}};
      const auto spawn = [&] {
        TaskScope scope(executor);
        scope.spawn([&] { ++ran; });
        auto owned = std::make_unique<Counted>(alive);
        const bool spawned =
            memory.suffices_for([&] { scope.spawn([&ran, owned = std::move(owned)] { ++ran; }); });
        EXPECT_EQ(course::error_of([&] { scope.join(); }), spawned ? "nothing" : "cancelled");
        EXPECT_EQ(ran, spawned ? 2 : 1);
      };
      if (from_outside)
        spawn();
      else
        on_worker(executor, spawn);
      EXPECT_EQ(alive, 0);
    });
    EXPECT_GT(failures, 0);
  }
}
