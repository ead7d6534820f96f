// Chapter 02 under every schedule that matters: see docs/schedule-explorer.md.

#include "executor.hpp"
#include "pitfall_loose_strand.hpp"

#include <atomic>
#include <mutex>
#include <ranges>
#include <thread>
#include <utility>
#include <vector>

#include "explore.hpp"

using concurrent::ExecutorShutdown;
using concurrent::InlineExecutor;
using concurrent::ManualExecutor;
using concurrent::SerialExecutor;
using concurrent::ThreadPoolExecutor;

namespace {

/// The simplest executor that runs jobs at the same time: short schedules, easy to read.
class ThreadPerJob : public concurrent::Executor {
 public:
  void post(concurrent::Job job) override {
    std::lock_guard lock(mutex_);
    threads_.emplace_back(std::move(job));
  }
  void shutdown(concurrent::ShutdownOptions options = {}) override { threads_.clear(); }

 private:
  std::mutex mutex_;
  std::vector<std::jthread> threads_;
};

}  // namespace

// Step 1: InlineExecutor.

TEST(Step1_InlineExecutor, AJobRunsOrIsRefusedWheneverShutdownComes) {
  const auto scenario = [] {
    InlineExecutor executor;
    int ran = 0, refused = 0;
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

// Step 2: ManualExecutor.

TEST(Step2_ManualExecutor, EachJobRunsOnceHoweverManyThreadsRunThem) {
  const auto scenario = [] {
    ManualExecutor executor;
    std::atomic<int> ran = 0;
    executor.post([&] { ++ran; });
    std::jthread poster([&] { executor.post([&] { ++ran; }); });
    std::jthread runner([&] { executor.run_all(); });
    executor.run_one();
    poster.join();
    runner.join();
    executor.run_all();
    EXPECT_EQ(ran, 2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_ManualExecutor, APostRunsOrIsRefusedWheneverShutdownComes) {
  const auto scenario = [] {
    ManualExecutor executor;
    int ran = 0, refused = 0;
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

// Step 3: ThreadPoolExecutor.

TEST(Step3_ThreadPoolExecutor, APostRunsOrIsRefusedWheneverShutdownComes) {
  const auto scenario = [] {
    ThreadPoolExecutor executor{{.max_workers = 2}};
    std::atomic<int> ran = 0;
    int refused = 0;
    std::jthread poster([&] {
      try {
        executor.post([&] { ++ran; });
      } catch (const ExecutorShutdown&) {
        ++refused;
      }
    });
    executor.shutdown();
    poster.join();
    executor.shutdown();
    EXPECT_EQ(ran + refused, 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 4: SerialExecutor.

TEST(Step4_SerialExecutor, JobsNeverRunAtTheSameTimeWhoeverPostsThem) {
  const auto scenario = [] {
    int ran = 0;  // no lock: the strand is one
    ThreadPoolExecutor pool{{.max_workers = 2}};
    SerialExecutor strand(pool);
    std::jthread other([&] { strand.post([&] { ++ran; }); });
    strand.post([&] { ++ran; });
    other.join();
    strand.shutdown();
    EXPECT_EQ(ran, 2) << "no job is left behind, and shutdown() waits for all";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_SerialExecutor, JobsKeepTheirOrderHoweverTurnsEnd) {
  const auto scenario = [] {
    std::vector<int> order;
    ThreadPoolExecutor pool{{.max_workers = 2}};
    {
      SerialExecutor strand(pool);
      for (int i = 0; i < 3; ++i) strand.post([&, i] { order.push_back(i); });
    }
    pool.shutdown();
    EXPECT_EQ(order, (std::vector{0, 1, 2}));
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_SerialExecutor, EveryShutdownThatWaitsReturns) {
  const auto scenario = [] {
    int ran = 0;
    ThreadPoolExecutor pool{{.max_workers = 1}};
    SerialExecutor strand(pool);
    strand.post([&] { ++ran; });
    const auto end = [&] {
      strand.shutdown();
      EXPECT_EQ(ran, 1);
    };
    std::jthread other(end);
    end();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_SerialExecutor, NobodyWaitsForJobsThatThePoolDestroys) {
  const auto scenario = [] {
    ThreadPoolExecutor pool{{.max_workers = 1}};
    SerialExecutor strand(pool);
    std::jthread poster([&] {
      try {
        strand.post([] {});
        strand.post([] {});
      } catch (const ExecutorShutdown&) {
      }
    });
    pool.shutdown({.cancel_futures = true});
    poster.join();
    strand.shutdown();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 5: fairness.

TEST(Step5_Fairness, ATurnThatIsHandedOnIsTakenOnce) {
  const auto scenario = [] {
    int ran = 0;  // no lock
    ThreadPoolExecutor pool{{.max_workers = 2}};
    SerialExecutor strand(pool);
    for (int i = 0; i < 520; ++i) strand.post([&] { ++ran; });
    strand.shutdown();
    EXPECT_EQ(ran, 520);
  };
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 100}));
}

// Step 6: parallel_for.

TEST(Step6_ParallelFor, ItReturnsWhenTheLastCallHasEndedAndNotBefore) {
  const auto scenario = [] {
    ThreadPoolExecutor pool{{.max_workers = 2}};
    std::vector<int> squares(2);
    parallel_for(pool, std::views::iota(0, 2), [&](int i) { squares[static_cast<std::size_t>(i)] = i * i; });
    EXPECT_EQ(squares, (std::vector{0, 1}));
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_ParallelFor, ItReturnsAlsoIfTheExecutorShutsDownMeanwhile) {
  const auto scenario = [] {
    ThreadPoolExecutor pool{{.max_workers = 2}};
    std::atomic<int> ran = 0;
    std::jthread ender([&] { pool.shutdown({.cancel_futures = true}); });
    try {
      parallel_for(pool, std::views::iota(0, 2), [&](int) { ++ran; });
      EXPECT_EQ(ran, 2);
    } catch (const ExecutorShutdown&) {
    } catch (const concurrent::CancelledError&) {
    }
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 8: break it.

TEST(Step8_BreakIt, JobsRunInOrder) {
  const auto scenario = [] {
    std::vector<int> order;
    {
      ManualExecutor executor;
      concurrent::LooseStrand strand(executor);
      for (int i = 0; i < 3; ++i) strand.post([&, i] { order.push_back(i); });
      executor.run_all();
      strand.post([&] { order.push_back(3); });
      executor.run_all();
    }
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step8_BreakIt, IfNobodyIsInterruptedJobsNeverMeet) {
  const auto scenario = [] {
    int ran = 0;
    ThreadPerJob executor;
    concurrent::LooseStrand strand(executor);
    std::jthread other([&] { strand.post([&] { ++ran; }); });
    strand.post([&] { ++ran; });
    other.join();
    executor.shutdown();
    EXPECT_EQ(ran, 2);
  };
  EXPECT_TRUE(explore::survives(scenario, {.preemptions = 0, .search = explore::Search::systematic}));
}

TEST(Step8_BreakIt, AnInterruptionMakesTwoJobsMeet) {
  const auto scenario = [] {
    int ran = 0;
    ThreadPerJob executor;
    concurrent::LooseStrand strand(executor);
    std::jthread other([&] { strand.post([&] { ++ran; }); });
    strand.post([&] { ++ran; });
    other.join();
    executor.shutdown();
  };
  EXPECT_TRUE(explore::breaks(explore::Failure::data_race, scenario, {.spurious = 0}));
}
