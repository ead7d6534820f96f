// Chapter 05, step 8: fork and join.

#include "fib.hpp"
#include "support.hpp"

#include <atomic>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

using concurrent::fork_join;

TEST(Step8_ForkJoin, BothAreCalledOnce) {
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

TEST(Step8_ForkJoin, WorkMaySplitItselfAgainAndAgain) {
  for (int workers : {1, 2, 4}) {
    WorkStealingExecutor executor{{.max_workers = workers}};
    long result = 0;
    on_worker(executor, [&] { result = fib(executor, 20); });
    EXPECT_EQ(result, 6'765);
  }
}

TEST(Step8_ForkJoin, FromOutsideItGoesToAWorker) {
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

TEST(Step8_ForkJoin, TheFirstErrorIsThrownAndBothAreCalled) {
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

TEST(Step8_ForkJoin, AnErrorWaitsForWhatWasStolen) {
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

TEST(Step8_ForkJoin, WorkThatRunsMayForkAfterShutdown) {
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

TEST(Step8_ForkJoin, AnythingMayBeThrownByWhoeverRunsIt) {
  WorkStealingExecutor executor{{.max_workers = 2}};
  const auto error_of_fork = [&](auto f, auto g) {
    return course::error_of([&] { fork_join(executor, f, g); });
  };
  EXPECT_EQ(error_of_fork([] { throw 7; }, [] {}), "7");
  EXPECT_EQ(error_of_fork([] {}, [] { throw 8; }), "8");
  on_worker(executor, [&] {
    EXPECT_EQ(error_of_fork([] { throw 7; }, [] { throw 8; }), "7");
    std::binary_semaphore stolen(0);
    EXPECT_EQ(error_of_fork([&] { stolen.acquire(); },
                            [&] {
                              stolen.release();
                              throw 9;
                            }),
              "9")
        << "a thief ran it";
  });
}

TEST(Step8_ForkJoin, AShutdownThatCancelsLeavesForksWhereTheyAre) {
  std::atomic<int> called = 0;
  Gate gate;
  WorkStealingExecutor executor{{.max_workers = 2}};
  OpenAtTheEnd open(gate);
  executor.post(gate.job());
  gate.wait_until_entered();  // so nobody steals
  on_worker(executor, [&] {
    const auto call = [&] { ++called; };
    fork_join(
        executor,
        [&] {
          fork_join(
              executor, [&] { executor.shutdown({.wait = false, .cancel_futures = true}); }, call);
        },
        call);
  });
  EXPECT_EQ(called, 2) << "what is forked is part of the job that runs: whoever offered it waits for it";
}

TEST(Step8_ForkJoin, WithoutMemoryForAForkBothAreStillCalled) {
  const int failures = course::until_memory_suffices([&](course::Memory& memory) {
    int called = 0, levels = 100;  // 64 forks have room at first
    WorkStealingExecutor executor{{.max_workers = 1}};
    const std::function<void()> nest = [&] {
      if (levels-- > 0)
        fork_join(
            executor, [&] { nest(); }, [&] { ++called; });
    };
    on_worker(executor, [&] { EXPECT_EQ(course::error_of([&] { memory.runs_out_in(nest); }), "nothing"); });
    EXPECT_EQ(called, 100);
    EXPECT_EQ(levels, -1);
  });
  EXPECT_GT(failures, 0);
}
