// Chapter 02, step 4: one at a time, in order, on any executor.

#include "support.hpp"

#include <algorithm>
#include <barrier>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

TEST(Step4_SerialExecutor, JobsRunInTheOrderOfThePosts) {
  std::vector<int> order;  // no lock
  ThreadPoolExecutor pool{{.max_workers = 4}};
  SerialExecutor strand(pool);
  for (int i = 0; i < 1'000; ++i) strand.post([&order, i] { order.push_back(i); });
  strand.shutdown();
  ASSERT_EQ(order.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step4_SerialExecutor, TwoJobsNeverRunAtTheSameTime) {
  Log log;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 4}};
  SerialExecutor strand(pool);
  strand.post([&] {
    gate.pass();
    log.push_back("first");
  });
  gate.wait_until_entered();
  for (int i = 0; i < 3; ++i) strand.post([&] { log.push_back("later"); });
  course::wait_until_others_block();  // three workers have nothing to do, and the first job still runs
  gate.open();
  strand.shutdown();
  EXPECT_EQ(log, (Log{"first", "later", "later", "later"}))
      << "a job must not start before the last has ended";
}

TEST(Step4_SerialExecutor, WhatTheJobsShareNeedsNoLock) {
  long sum = 0;
  ThreadPoolExecutor pool{{.max_workers = 4}};
  SerialExecutor strand(pool);
  {
    std::vector<std::jthread> posters;
    for (int i = 0; i < 4; ++i)
      posters.emplace_back([&] {
        for (int job = 0; job < 2'000; ++job) strand.post([&] { sum = sum + 1; });
      });
  }
  strand.shutdown();
  EXPECT_EQ(sum, 8'000);
}

TEST(Step4_SerialExecutor, EachPostersJobsKeepTheirOrder) {
  std::vector<std::vector<int>> ran(2);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor strand(pool);
  {
    std::vector<std::jthread> posters;
    for (auto& order : ran)
      posters.emplace_back([&] {
        for (int job = 0; job < 1'000; ++job) strand.post([&order, job] { order.push_back(job); });
      });
  }
  strand.shutdown();
  for (const auto& order : ran) {
    EXPECT_EQ(order.size(), 1'000u);
    EXPECT_TRUE(std::ranges::is_sorted(order));
  }
}

TEST(Step4_SerialExecutor, StrandsOnOnePoolRunSideBySide) {
  std::barrier both(2);  // hangs unless both jobs run at the same time
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor one(pool), two(pool);
  one.post([&] { both.arrive_and_wait(); });
  two.post([&] { both.arrive_and_wait(); });
  one.shutdown();
  two.shutdown();
}

TEST(Step4_SerialExecutor, ItWorksAgainAfterItHadNothingToDo) {
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  for (int round = 1; round <= 3; ++round) {
    strand.post([&] { ++ran; });
    executor.run_all();
    EXPECT_EQ(ran, round);
  }
}

TEST(Step4_SerialExecutor, APostOnlyQueuesIfTheExecutorOnlyQueues) {
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 100; ++i) {
    strand.post([&] { ++ran; });
    EXPECT_EQ(executor.pending(), 1u) << "a strand has one drain job at most in the executor's queue";
  }
  EXPECT_EQ(ran, 0);
  executor.run_all();
  EXPECT_EQ(ran, 100);
  EXPECT_EQ(executor.pending(), 0u);
}

TEST(Step4_SerialExecutor, ItRunsOnAnInlineExecutorToo) {
  Log log;
  InlineExecutor executor;
  SerialExecutor strand(executor);
  strand.post([&] { log.push_back("first"); });
  EXPECT_EQ(log, Log{"first"});
  strand.post([&] { log.push_back("second"); });
  EXPECT_EQ(log, (Log{"first", "second"}));
}

TEST(Step4_SerialExecutor, AStrandMayStandOnAStrand) {
  Log log;
  std::binary_semaphore done(0);
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor outer(pool);
  SerialExecutor inner(outer);
  static_assert(!std::is_convertible_v<SerialExecutor&, SerialExecutor>,
                "one strand is not the copy of another");
  outer.post([&] {
    inner.post([&] {
      log.push_back("inner");
      done.release();
    });
    log.push_back("outer");
  });
  done.acquire();
  EXPECT_EQ(log, (Log{"outer", "inner"}));
}

TEST(Step4_SerialExecutor, AJobThatPostsToItsOwnStrandGoesOnFirst) {
  Log log;
  InlineExecutor executor;  // even here, where every other post() runs the job at once
  SerialExecutor strand(executor);
  strand.post([&] {
    log.push_back("outer begins");
    strand.post([&] { log.push_back("inner"); });
    log.push_back("outer ends");
  });
  EXPECT_EQ(log, (Log{"outer begins", "outer ends", "inner"}));
}

TEST(Step4_SerialExecutor, AMillionPostsInAChainNeedNoDeepStack) {
  int left = 1'000'000;
  std::function<void()> next;
  InlineExecutor executor;
  SerialExecutor strand(executor);
  const auto top = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  std::uintptr_t deepest = 0;
  next = [&] {
    deepest = std::max(deepest, top - reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
    if (--left > 0) strand.post([&] { next(); });
  };
  strand.post([&] { next(); });
  EXPECT_EQ(left, 0);
  EXPECT_LT(deepest, 64u * 1024) << "each job runs where the last one ran, not on top of it";
}

TEST(Step4_SerialExecutor, AJobIsDestroyedBeforeTheNextStarts) {  // CF-32
  Log log;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  strand.post([&, end = AtEnd([&] { log.push_back("first destroyed"); })] { log.push_back("first ran"); });
  strand.post([&] { log.push_back("second ran"); });
  executor.run_all();
  EXPECT_EQ(log, (Log{"first ran", "first destroyed", "second ran"}));
}

TEST(Step4_SerialExecutor, TheDestructorOfAJobNeverRunsBesideAnotherJob) {
  // The destructor belongs to the job: what it touches needs no lock either.
  Log log;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor strand(pool);
  strand.post([end = AtEnd([&] {
                 gate.pass();
                 log.push_back("first destroyed");
               })] {});
  gate.wait_until_entered();
  strand.post([&] { log.push_back("second ran"); });
  course::wait_until_others_block();
  gate.open();
  strand.shutdown();
  EXPECT_EQ(log, (Log{"first destroyed", "second ran"}));
}

TEST(Step4_SerialExecutor, ExceptionsDoNotStopIt) {  // CF-25
  Log log;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  strand.set_exception_handler([&](std::exception_ptr error) { log.push_back(what(error)); });
  executor.set_exception_handler([&](std::exception_ptr) { log.push_back("the wrong handler was told"); });
  strand.post([] { throw std::runtime_error("burnt"); });
  strand.post([&] { log.push_back("second ran"); });
  executor.run_all();
  EXPECT_EQ(log, (Log{"burnt", "second ran"}));
}

TEST(Step4_SerialExecutor, TheObjectMayGoBeforeItsJobsHaveRun) {
  int ran = 0, told = 0;
  ManualExecutor executor;
  {
    SerialExecutor strand(executor);
    strand.set_exception_handler([&](std::exception_ptr) { ++told; });
    for (int i = 0; i < 300; ++i) strand.post([&] { ++ran; });
    strand.post([] { throw std::runtime_error("burnt"); });
  }
  EXPECT_EQ(ran, 0) << "its end does not wait";
  executor.run_all();
  EXPECT_EQ(ran, 300);
  EXPECT_EQ(told, 1) << "the exception handler stays as long as it is needed";
}

TEST(Step4_SerialExecutor, AJobMayDestroyItsOwnStrand) {
  Log log;
  InlineExecutor executor;
  auto strand = std::make_unique<SerialExecutor>(executor);
  SerialExecutor& posted_to = *strand;
  posted_to.post([&] {
    posted_to.post([&] { log.push_back("second"); });
    strand.reset();
    log.push_back("first");
  });
  EXPECT_EQ(log, (Log{"first", "second"}));
}
