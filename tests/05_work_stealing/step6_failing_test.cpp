// Chapter 05, steps 6 and 7: whom a thief robs, and what fails in the middle.

#include "support.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <latch>
#include <memory>
#include <semaphore>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "failing_calls.hpp"

namespace {

course::SystemCalls thread_starts;

/// Counts what has been allocated and not given back.
std::size_t kept() { return course::allocations() - course::deallocations(); }

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* argument) noexcept {
  static auto* const real =
      course::in_the_library<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>(
          "pthread_create");
  return thread_starts.fails() ? EAGAIN : real(thread, attributes, run, argument);
}

TEST(Step6_Workers, WhatAJobThrowsGoesToTheHandlerAndTheWorkerLivesOn) {
  Log log;
  {
    WorkStealingExecutor executor{{.max_workers = 1}};
    executor.set_exception_handler([&](std::exception_ptr error) { log.push_back(what(error)); });
    executor.post([] { throw std::runtime_error("burnt"); });
    executor.post([] { throw 7; });
    on_worker(executor, [&] { executor.post([] { throw 8; }); });
    executor.post([&] { log.push_back("next"); });
  }
  EXPECT_EQ(log, (Log{"burnt", "7", "8", "next"}));
}

TEST(Step6_Workers, AJobIsDestroyedBeforeTheWorkerSleeps) {
  std::atomic<int> alive = 0;
  WorkStealingExecutor executor{{.max_workers = 2}};
  executor.post([owned = std::make_unique<Counted>(alive)] {});
  on_worker(executor, [&] { executor.post([owned = std::make_unique<Counted>(alive)] {}); });
  course::wait_until_others_block();
  EXPECT_EQ(alive, 0) << "an idle worker keeps a job that has run";
}

TEST(Step7_Shutdown, TheMemoryOfJobsIsGivenBackWhoeverTakesThem) {
  const auto post_and_steal = [](bool cancel) {
    Gate gate;
    WorkStealingExecutor executor{{.max_workers = 2}};
    OpenAtTheEnd open(gate);
    executor.post([&] {
      for (int i = 0; i < 200; ++i) executor.post([] {});
      gate.pass();
    });
    gate.wait_until_entered();
    if (cancel) executor.shutdown({.wait = false, .cancel_futures = true});
  };
  post_and_steal(false);  // what is made once is there now
  const std::size_t before = kept();
  post_and_steal(false);
  EXPECT_EQ(kept(), before) << "of jobs that were run";
  post_and_steal(true);
  EXPECT_EQ(kept(), before) << "of jobs that were dropped";
}

TEST(Step6_Workers, AJobForWhichThereIsNoMemoryIsDestroyedAndTheOthersRun) {
  for (const bool from_outside : {false, true}) {
    const int failures = course::until_memory_suffices([&](course::Memory& memory) {
      std::atomic<int> ran = 0, alive = 0;
      int posted = 0;
      {
        WorkStealingExecutor executor{{.max_workers = 1}};
        const auto post_many = [&] {
          for (int i = 0; i < 70; ++i)  // the deque must grow meanwhile
            posted += memory.suffices_for(
                [&] { executor.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; }); });
        };
        if (from_outside)
          post_many();
        else
          on_worker(executor, post_many);
      }
      EXPECT_EQ(ran, posted);
      EXPECT_EQ(alive, 0) << "the job that was not posted was not destroyed";
    });
    EXPECT_GT(failures, 0);
  }
}

TEST(Step6_Workers, IfAThreadCannotBeStartedTheOthersEnd) {
  for (int good = 0; good < 3; ++good) {
    const course::CallsFail no_more_threads(thread_starts, EAGAIN, 1, good);
    EXPECT_THROW(WorkStealingExecutor{{.max_workers = 3}}, std::system_error);
  }
  std::atomic<int> ran = 0;
  {
    WorkStealingExecutor{{.max_workers = 3}}.post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1);
}

TEST(Step7_Shutdown, AWorkerOfAnotherExecutorIsAStranger) {
  Log log;
  {
    WorkStealingExecutor mine{{.max_workers = 1, .thread_name_prefix = "mine"}};
    WorkStealingExecutor other{{.max_workers = 1, .thread_name_prefix = "other"}};
    on_worker(mine, [&] {
      EXPECT_TRUE(mine.runs_on_this_thread());
      EXPECT_FALSE(other.runs_on_this_thread());
      on_worker(other, [&] { log.push_back(concurrent::thread_name()); });
      other.shutdown();  // it may wait: it is none of its workers
    });
  }
  EXPECT_EQ(log, Log{"other_0"});
}

TEST(Step7_Shutdown, AShutdownThatIsRefusedChangesNothing) {
  std::atomic<int> ran = 0;
  WorkStealingExecutor executor{{.max_workers = 1}};
  on_worker(executor, [&] {
    executor.post([&] { ++ran; });
    EXPECT_THROW(executor.shutdown({.cancel_futures = true}), concurrent::Error);
    executor.post([&] { ++ran; });  // throws if it was shut down all the same
  });
  executor.shutdown();
  EXPECT_EQ(ran, 2);
}

TEST(Step7_Shutdown, IfOneInitializerFailsTheOtherWorkersFinishAndEnd) {
  std::atomic<int> started = 0, reported = 0;
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 3, .initializer = [&] {
                                   if (++started == 2) throw 7;
                                 }}};
  executor.set_exception_handler([&](std::exception_ptr) { ++reported; });
  course::wait_until_others_block();
  EXPECT_EQ(started, 3);
  EXPECT_THROW(executor.post([] {}), concurrent::BrokenThreadPool);
  EXPECT_THROW(executor.post([] {}), concurrent::BrokenThreadPool) << "each time";
  executor.shutdown();
}
