// Chapter 02, step 5: a strand that is always busy leaves the executor's other jobs their turn.

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <semaphore>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// The most jobs that a strand may run while another job waits for the executor.
constexpr int most_in_a_turn = 256;

/// Runs each job on a thread of its own, and returns from post() when that has ended.
struct OnAnotherThread : Executor {
  void post(Job job) override {
    if (++posts > 1'000) throw concurrent::BrokenExecutor("no end of threads");
    std::thread(std::move(job)).join();
  }
  void shutdown(concurrent::ShutdownOptions) override {}

  std::atomic<int> posts = 0;
};

}  // namespace

TEST(Step5_Fairness, ABusyStrandDoesNotStarveAJobOfTheSamePool) {
  constexpr int patience = 100'000;
  int jobs = 0;
  std::atomic<bool> served = false;
  std::function<void()> next;
  std::binary_semaphore done(0);
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  SerialExecutor strand(pool);
  next = [&] {
    if (served || ++jobs == patience) return done.release();
    strand.post([&] { next(); });
  };
  pool.post(gate.job());
  strand.post([&] { next(); });
  pool.post([&] { served = true; });
  gate.open();
  done.acquire();
  EXPECT_LE(jobs, most_in_a_turn) << "a strand that is always busy has kept the only worker";
}

TEST(Step5_Fairness, ItDoesNotHogTheExecutor) {
  int ran = 0;
  ManualExecutor executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 600; ++i) strand.post([&] { ++ran; });
  bool had_its_turn = false;
  executor.post([&] { had_its_turn = true; });
  executor.run_one();
  EXPECT_LE(ran, most_in_a_turn) << "the strand goes to the back of the executor's queue";
  const int in_the_first_turn = ran;
  executor.run_one();
  EXPECT_TRUE(had_its_turn);
  EXPECT_EQ(ran, in_the_first_turn);
  executor.run_one();
  EXPECT_GT(ran, in_the_first_turn) << "and goes on from there";
  EXPECT_LE(ran, in_the_first_turn + most_in_a_turn);
  executor.run_all();
  EXPECT_EQ(ran, 600);
}

TEST(Step5_Fairness, TwoBusyStrandsTakeTurns) {
  std::vector<int> order;
  ManualExecutor executor;
  SerialExecutor one(executor), two(executor);
  for (int i = 0; i < 600; ++i) {
    one.post([&] { order.push_back(1); });
    two.post([&] { order.push_back(2); });
  }
  executor.run_all();
  ASSERT_EQ(order.size(), 1'200u);
  // While both have work, neither gets more than one turn ahead.
  int ahead = 0;
  for (const int strand : order) {
    ahead += strand == 1 ? 1 : -1;
    ASSERT_LE(std::abs(ahead), most_in_a_turn);
  }
}

TEST(Step5_Fairness, AStrandOnAStrandHandsItsTurnOnToo) {
  for (const bool inline_underneath : {false, true}) {
    int ran = 0, ran_before_the_other = -1;
    ManualExecutor manual;
    InlineExecutor in_line;
    SerialExecutor outer(inline_underneath ? static_cast<Executor&>(in_line) : manual);
    SerialExecutor inner(outer);
    outer.post([&] {  // all are queued before any runs
      for (int i = 0; i < 600; ++i) inner.post([&] { ++ran; });
      outer.post([&] { ran_before_the_other = ran; });
    });
    manual.run_all();
    EXPECT_EQ(ran, 600);
    EXPECT_GE(ran_before_the_other, 0);
    EXPECT_LE(ran_before_the_other, most_in_a_turn);
  }
}

TEST(Step5_Fairness, ATurnMayRunOnAnotherThreadBeforeItsPostReturns) {
  std::vector<std::thread::id> ran_on;  // no lock
  OnAnotherThread executor;
  SerialExecutor strand(executor);
  strand.post([&] {
    for (int i = 0; i < 600; ++i) strand.post([&] { ran_on.push_back(std::this_thread::get_id()); });
  });
  EXPECT_EQ(ran_on.size(), 600u);
  EXPECT_GE(std::set(ran_on.begin(), ran_on.end()).size(), 2u)
      << "whoever gets the next turn takes it: the thread that posted it has no part in it any more";
  strand.shutdown();
}

TEST(Step5_Fairness, TurnsDoNotPileUpOnAnInlineExecutor) {
  int left = 100'000;
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
  EXPECT_LT(deepest, 64u * 1024) << "an executor that runs a turn inside post() would pile turns up";
}

TEST(Step5_Fairness, WhatIsQueuedRunsAlthoughThePoolShutsDown) {  // CF-40
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  SerialExecutor strand(pool);
  strand.post(gate.job());
  gate.wait_until_entered();
  for (int i = 0; i < 1'000; ++i) strand.post([&] { ++ran; });  // more than one batch
  pool.shutdown({.wait = false});
  gate.open();
  pool.shutdown();
  EXPECT_EQ(ran, 1'000);
}

TEST(Step5_Fairness, WhatIsQueuedRunsAlthoughANewTurnIsRefused) {
  int ran = 0;
  std::atomic<int> alive = 0;
  Moody executor;
  SerialExecutor strand(executor);
  for (int i = 0; i < 600; ++i) strand.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  executor.mood = Moody::refuses;
  executor.jobs.run_all();
  EXPECT_EQ(ran, 600) << "a drain job that cannot be posted again goes on";
  EXPECT_GE(executor.posts, 3) << "after 256 jobs at most it asks again";
  EXPECT_EQ(alive, 0);
  executor.mood = Moody::queues;
  strand.post([&] { ++ran; });
  executor.jobs.run_all();
  EXPECT_EQ(ran, 601);
}

TEST(Step5_Fairness, HoweverItsTurnsEndEveryJobRunsOnce) {
  for (const Moody::Mood mood : {Moody::queues, Moody::refuses, Moody::drops})
    for (int count = 1; count <= 520; ++count) {
      std::atomic<int> ran = 0;
      Moody executor;
      SerialExecutor strand(executor);
      for (int i = 0; i < count; ++i) strand.post([&] { ++ran; });
      executor.mood = mood;  // from now on
      executor.jobs.run_all();
      ASSERT_EQ(ran, count);
      executor.mood = Moody::queues;
      strand.post([&] { ++ran; });
      executor.jobs.run_all();
      ASSERT_EQ(ran, count + 1) << "and it works on";
      strand.shutdown();
    }
}

TEST(Step5_Fairness, AStrandGoesOnWhateverTheExecutorThrows) {
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

TEST(Step5_Fairness, AThreadThatHasHandedItsTurnOnMayWait) {
  ManualExecutor manual;
  SerialExecutor strand(manual);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 1'000; ++i) strand.post([&] { ++ran; });
  EXPECT_TRUE(manual.run_one()) << "one turn, which ends before the jobs do";
  std::jthread other([&] { manual.run_all(); });
  EXPECT_EQ(course::error_of([&] { strand.shutdown(); }), "nothing")
      << "no job of the strand runs on this thread any more";
  EXPECT_EQ(ran, 1'000);
}
