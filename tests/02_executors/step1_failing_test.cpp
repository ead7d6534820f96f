// Chapter 02, steps 1 to 5: memory runs out, items break, and what posting costs.

#include "support.hpp"

#include <atomic>
#include <barrier>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "fragile.hpp"

using concurrent::parallel_for;

namespace {

/// Posts small jobs, after some that make all queues grow. @returns how many allocations the last ones cost
std::size_t cost_of_posts(Executor& executor, const std::function<void()>& finish) {
  std::atomic<int> ran = 0;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 2'000; ++i) executor.post([&] { ++ran; });
    finish();
  }
  const std::size_t cost = course::allocations_in([&] {
    for (int i = 0; i < 1'000; ++i) executor.post([&] { ++ran; });
  });
  finish();
  EXPECT_EQ(ran, 5'000);
  return cost;
}

/// Checks that a job for which there is no memory is destroyed, and that the executor goes on after it.
void a_job_without_memory_is_destroyed(Executor& executor, const std::function<void()>& finish,
                                       course::Memory& memory) {
  std::atomic<int> ran = 0, alive = 0;
  auto owned = std::make_unique<Counted>(alive);
  const bool posted =
      memory.suffices_for([&] { executor.post([&ran, owned = std::move(owned)] { ++ran; }); });
  executor.post([&] { ran += 10; });
  finish();
  EXPECT_EQ(ran, posted ? 11 : 10) << (posted ? "" : "memory ran out for the first job, not for the second");
  EXPECT_EQ(alive, 0);
}

}  // namespace

TEST(Step1_InlineExecutor, TwoThreadsMayRunJobsThatWaitForEachOther) {
  std::barrier both(2);
  InlineExecutor executor;
  const auto meet = [&] { both.arrive_and_wait(); };
  std::thread other([&] { executor.post(meet); });
  executor.post(meet);  // hangs if one job waits for the other to end
  other.join();
  const course::Log log = [&] {
    course::Log names;
    executor.post([&] {
      std::thread([&] { executor.shutdown(); }).join();  // hangs if a shutdown waits for the job
      names.push_back("ended");
    });
    return names;
  }();
  EXPECT_EQ(log, course::Log{"ended"});
}

TEST(Step1_InlineExecutor, APostAllocatesNothing) {
  InlineExecutor executor;
  EXPECT_EQ(cost_of_posts(executor, [] {}), 0u);
}

TEST(Step2_ManualExecutor, APostAllocatesNothingOnceTheQueueHasGrown) {
  ManualExecutor executor;
  EXPECT_EQ(cost_of_posts(executor, [&] { executor.run_all(); }), 0u);
}

TEST(Step2_ManualExecutor, AJobForWhichThereIsNoMemoryIsDestroyedAndTheNextRuns) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    ManualExecutor executor;
    a_job_without_memory_is_destroyed(
        executor, [&] { executor.run_all(); }, memory);
  });
  EXPECT_GT(failures, 0);
}

TEST(Step3_ThreadPoolExecutor, APostAllocatesNothingOnceThePoolHasWarmedUp) {
  ThreadPoolExecutor executor{{.max_workers = 1}};
  EXPECT_LT(cost_of_posts(executor, [] { course::wait_until_others_block(); }), 100u)
      << "of 1'000 posts: a job goes to the pool as it is, and only the queue may grow now and then";
}

TEST(Step3_ThreadPoolExecutor, AJobForWhichThereIsNoMemoryIsDestroyedAndTheNextRuns) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    ThreadPoolExecutor executor{{.max_workers = 1}};
    a_job_without_memory_is_destroyed(
        executor, [&] { executor.shutdown(); }, memory);
  });
  EXPECT_GT(failures, 0);
}

TEST(Step4_SerialExecutor, AJobForWhichThereIsNoMemoryIsDestroyedAndTheNextRuns) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    ManualExecutor executor;
    SerialExecutor strand(executor);
    a_job_without_memory_is_destroyed(
        strand, [&] { executor.run_all(); }, memory);
    strand.shutdown();  // hangs if the strand counts as active, and nobody posts its turn
  });
  EXPECT_GT(failures, 0);
}

TEST(Step4_SerialExecutor, HoweverItsTurnsEndEveryJobRunsOnce) {
  for (const Moody::Mood mood : {Moody::queues, Moody::refuses, Moody::drops})
    for (const int count : {1, 255, 256, 257, 511, 512, 513}) {
      std::atomic<int> ran = 0;
      Moody executor;
      SerialExecutor strand(executor);
      for (int i = 0; i < count; ++i) strand.post([&] { ++ran; });
      executor.mood = mood;  // from now on
      executor.jobs.run_all();
      EXPECT_EQ(ran, count);
      executor.mood = Moody::queues;
      strand.post([&] { ++ran; });
      executor.jobs.run_all();
      EXPECT_EQ(ran, count + 1) << "and it works on";
      strand.shutdown();
    }
}

TEST(Step4_SerialExecutor, AStrandGoesOnWhateverTheExecutorThrows) {
  struct Odd : ManualExecutor {
    void post(Job job) override {
      if (++posts > 1) throw 7;
      ManualExecutor::post(std::move(job));
    }
    int posts = 0;
  };
  std::atomic<int> ran = 0;
  Odd executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 600; ++i) strand.post([&] { ++ran; });
  executor.run_all();
  EXPECT_EQ(ran, 600) << "it could not post its next turn: the present one must go on";
  strand.shutdown();
}

TEST(Step4_SerialExecutor, WhoeverWaitsForItsShutdownSleeps) {
  ManualExecutor executor;
  SerialExecutor strand(executor);
  strand.post([] {});
  std::thread waiter([&] { strand.shutdown(); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  executor.run_all();
  waiter.join();
}

TEST(Step5_ParallelFor, WhereverAnItemBreaksThoseThatWerePostedAreWaitedFor) {
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

TEST(Step5_ParallelFor, IfMemoryRunsOutThoseThatWerePostedAreWaitedFor) {
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

TEST(Step5_ParallelFor, AnythingMayBeThrown) {
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
