// Chapter 02, step 6: what becomes of a loop in which something fails.

#include "support.hpp"

#include <atomic>
#include <exception>
#include <latch>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fragile.hpp"

using concurrent::parallel_for;

TEST(Step6_ParallelFor, AnExceptionComesOutAfterAllCallsHaveEnded) {  // CF-25
  Log told;
  std::vector<int> visited;
  InlineExecutor executor;
  executor.set_exception_handler([&](std::exception_ptr error) { told.push_back(what(error)); });
  try {
    parallel_for(executor, std::views::iota(0, 5), [&](int item) {
      visited.push_back(item);
      if (item == 1) throw std::runtime_error("burnt");
    });
    FAIL() << "the exception of a call was lost";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "burnt");
  }
  EXPECT_EQ(visited.size(), 5u) << "one call's exception does not stop the others";
  EXPECT_EQ(told, Log()) << "the exception is for the caller, not for the handler";
}

TEST(Step6_ParallelFor, TheFirstExceptionWins) {
  ManualExecutor executor;
  Log caught;
  std::thread caller([&] {
    try {
      parallel_for(executor, std::views::iota(0, 3), [](int item) { throw item; });
    } catch (int item) {
      caught.push_back(std::to_string(item));
    }
  });
  course::wait_until_others_block();
  for (int i = 0; i < 2; ++i) executor.run_one();
  course::wait_until_others_block();
  EXPECT_EQ(caught, Log()) << "it waits for the other calls";
  executor.run_one();
  caller.join();
  EXPECT_EQ(caught, Log{"0"});
}

TEST(Step6_ParallelFor, ARefusalComesOutAfterTheAcceptedCallsHaveEnded) {  // CF-39
  int visits = 0;
  std::optional<int> visits_at_the_end;
  Moody executor;
  executor.accepts = 3;
  std::thread caller([&] {
    try {
      parallel_for(executor, std::views::iota(0, 10), [&](int) { ++visits; });
    } catch (const concurrent::BrokenExecutor&) {
      visits_at_the_end = visits;
    }
  });
  course::wait_until_others_block();
  EXPECT_EQ(executor.jobs.run_all(), 3u) << "the calls that were accepted are still made";
  caller.join();
  EXPECT_EQ(visits_at_the_end, 3) << "and it waits for them: they use what is on its stack";
  EXPECT_EQ(executor.posts, 4) << "once the executor refuses, no more is posted";
}

TEST(Step6_ParallelFor, ARefusalGoesBeforeTheErrorsOfCalls) {
  Moody executor;
  executor.accepts = 2;
  std::string caught;
  std::thread caller([&] {
    caught = course::error_of([&] {
      parallel_for(executor, std::views::iota(0, 10), [](int) { throw std::runtime_error("burnt"); });
    });
  });
  course::wait_until_others_block();
  EXPECT_EQ(executor.jobs.run_all(), 2u);
  caller.join();
  EXPECT_EQ(caught, "out of gas");
}

TEST(Step6_ParallelFor, AfterShutdownItThrowsExecutorShutdown) {  // CF-39
  int visits = 0;
  ThreadPoolExecutor pool{{.max_workers = 2}};
  pool.shutdown();
  EXPECT_THROW(parallel_for(pool, std::views::iota(0, 3), [&](int) { ++visits; }),
               concurrent::ExecutorShutdown);
  EXPECT_EQ(visits, 0);
}

TEST(Step6_ParallelFor, WhatTheExecutorDropsIsCancelled) {  // CF-42
  std::atomic<int> visits = 0;
  std::atomic<bool> cancelled = false;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  std::thread caller([&] {
    try {
      parallel_for(pool, std::views::iota(0, 3), [&](int) {
        gate.pass();
        ++visits;
      });
    } catch (const concurrent::CancelledError&) {
      cancelled = true;
    }
  });
  gate.wait_until_entered();
  course::wait_until_others_block();  // all three are posted
  pool.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_FALSE(cancelled) << "it waits for the call that runs";
  gate.open();
  caller.join();
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(visits, 1);
}

TEST(Step6_ParallelFor, WhatABrokenPoolDropsIsToldWhy) {  // CF-38
  std::latch fail(1);
  ThreadPoolExecutor pool{{.max_workers = 1, .initializer = [&] {
                             fail.wait();
                             throw std::runtime_error("no stove");
                           }}};
  pool.set_exception_handler([](std::exception_ptr) {});
  std::jthread opener([&] {
    course::wait_until_others_block();  // all is posted, and the caller waits
    fail.count_down();
  });
  EXPECT_THROW(parallel_for(pool, std::views::iota(0, 3), [](int) {}), concurrent::BrokenThreadPool);
}

TEST(Step6_ParallelFor, AStrandThatLosesItsTurnCancelsTheRest) {  // CF-42
  std::atomic<bool> cancelled = false;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  std::thread caller([&] {
    try {
      parallel_for(strand, std::views::iota(0, 3), [](int) {});
    } catch (const concurrent::CancelledError&) {
      cancelled = true;
    }
  });
  course::wait_until_others_block();
  executor.shutdown({.cancel_futures = true});
  caller.join();
  EXPECT_TRUE(cancelled);
}

TEST(Step6_ParallelFor, WhereverAnItemBreaksThoseThatWerePostedAreWaitedFor) {
  const int failures = course::until_nothing_breaks([](course::Fuse& fuse) {
    std::atomic<int> visited = 0, alive = 0;
    {
      ThreadPoolExecutor pool{{.max_workers = 1}};
      const auto visit = [&, owned = std::make_shared<Counted>(alive)](int) { ++visited; };
      const std::string error =
          course::error_of([&] { parallel_for(pool, course::fragile_items(4, fuse), visit); });
      EXPECT_EQ(error, fuse.burnt() ? "broke" : "nothing");
      const int visited_before = visited;
      pool.shutdown();
      EXPECT_EQ(visited, visited_before) << "it returned before all that it had posted had ended";
    }
    if (!fuse.burnt()) {
      EXPECT_EQ(visited, 4);
    }
  });
  EXPECT_GE(failures, 8) << "each ++ and each * may throw";
}

TEST(Step6_ParallelFor, IfMemoryRunsOutThoseThatWerePostedAreWaitedFor) {
  const std::vector<int> items(70);
  const int failures = course::until_memory_suffices([&](course::Memory& memory) {
    std::atomic<int> visited = 0;
    ThreadPoolExecutor pool{{.max_workers = 1}};
    const bool done = memory.suffices_for([&] { parallel_for(pool, items, [&](int) { ++visited; }); });
    const int visited_before = visited;
    pool.shutdown();
    EXPECT_EQ(visited, visited_before) << "it returned before all that it had posted had ended";
    if (done) {
      EXPECT_EQ(visited, 70);
    }
  });
  EXPECT_GT(failures, 0);
}

TEST(Step6_ParallelFor, AnythingMayBeThrown) {
  ThreadPoolExecutor pool{{.max_workers = 1}};
  const std::vector<int> items{1, 2, 3};
  int called = 0;
  EXPECT_EQ(course::error_of([&] {
              parallel_for(pool, items, [&](int item) {
                ++called;
                if (item == 2) throw 7;
              });
            }),
            "7");
  EXPECT_EQ(called, 3);

  struct Odd : ManualExecutor {
    void post(Job) override { throw 8; }
  } odd;
  EXPECT_EQ(course::error_of([&] { parallel_for(odd, items, [](int) {}); }), "8");
}
