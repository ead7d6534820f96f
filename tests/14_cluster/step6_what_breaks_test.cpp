// Chapter 14, step 6: what breaks.

#include "support.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <future>
#include <string>
#include <vector>

namespace {

int prepared = 0;
void prepare() { ++prepared; }
void fail_to_prepare() { throw std::runtime_error("not today"); }

/// Fails when calls wait for it.
void fail_at_the_sign() {
  Sign::wait();
  fail_to_prepare();
}
/// Fails in rank 2 alone.
void fail_in_rank_2() {
  if (rank() == 2) fail_at_the_sign();
}

}  // namespace

TEST(Step6_WhatBreaks, AnInitializerThatFailsBreaksThePool) {
  if (!in_ranks(2)) return;
  const Sign sign;
  MpiPoolExecutor pool({.initializer = fail_at_the_sign});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(pool.submit(twice, i));
  sign.give();
  for (const auto& future : futures) {
    EXPECT_THROW(future.result(), BrokenMpiPool) << "all that are queued";
    const std::string error = outcome(future);
    EXPECT_NE(error.find("rank 1"), std::string::npos) << error;
    EXPECT_NE(error.find("std::runtime_error: not today"), std::string::npos) << error;
  }
  EXPECT_THROW(pool.submit(twice, 21), BrokenMpiPool) << "no more calls are taken";
}

TEST(Step6_WhatBreaks, ACallbackOfABrokenPoolMaySubmitAndHearsOfIt) {
  if (!in_ranks(2)) return;
  const Sign sign;
  MpiPoolExecutor pool({.initializer = fail_at_the_sign});
  std::promise<bool> broken;
  pool.submit(twice, 21).add_done_callback([&](const auto&) {
    try {
      pool.submit(twice, 21);
      broken.set_value(false);
    } catch (const BrokenMpiPool&) {
      broken.set_value(true);
    }
  });
  sign.give();
  EXPECT_TRUE(broken.get_future().get());
}

TEST(Step6_WhatBreaks, OneWorkerBreaksThePoolAndAnothersCallGoesOn) {
  if (!in_ranks(3)) return;
  const Sign sign;
  MpiPoolExecutor pool({.initializer = fail_in_rank_2});
  const Fifo fifo;
  const auto with_rank_1 = pool.submit(wait_at, fifo.name());
  const auto queued = pool.submit(twice, 21);
  while (!with_rank_1.running()) std::this_thread::yield();
  sign.give();
  EXPECT_THROW(queued.result(), BrokenMpiPool);
  EXPECT_NE(outcome(queued).find("rank 2"), std::string::npos) << outcome(queued);
  EXPECT_THROW(pool.submit(twice, 21), BrokenMpiPool);
  EXPECT_FALSE(with_rank_1.done()) << "a prepared worker has it";
  fifo.let_go();
  EXPECT_EQ(with_rank_1.result(), "go");
}

TEST(Step6_WhatBreaks, AfterABrokenPoolAnotherWorks) {
  if (!in_ranks(3)) return;
  {
    MpiPoolExecutor pool({.initializer = fail_to_prepare});
    EXPECT_THROW(pool.submit(twice, 21).result(), BrokenMpiPool);
  }
  MpiPoolExecutor pool;
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
}

TEST(Step6_WhatBreaks, AnInitializerOfAnotherProgramBreaksThePool) {
  if (is_rank()) {
    MpiPoolExecutor pool({.initializer = fail_to_prepare});
    try {
      pool.submit(OnlyInTheFirstProgram(), 21).result();
      ADD_FAILURE() << "rank 1 cannot be prepared";
    } catch (const BrokenMpiPool& error) {  // of submit(), if the worker was faster
      EXPECT_NE(std::string(error.what()).find("rank 1"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("another program"), std::string::npos) << error.what();
    }
    return;
  }
  report(beside_another_program());
}

TEST(Step6_WhatBreaks, WithoutMpirunRankZeroIsItsOwnWorker) {
  if (std::getenv("WITHOUT_MPIRUN") == nullptr) return report(run("WITHOUT_MPIRUN=1 " + this_test()));
  MpiPoolExecutor pool;
  EXPECT_EQ(pool.num_workers(), 1);
  EXPECT_EQ(pool.submit([] { return ::getpid(); }).result(), ::getpid());
  EXPECT_EQ(outcome(pool.submit([](int) -> int { throw std::out_of_range("far"); }, 1)),
            "std::out_of_range: far");
}

TEST(Step6_WhatBreaks, OneRankIsItsOwnWorker) {
  if (!in_ranks(1)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(pool.submit(rank).result(), 0);
  int sum = 0;
  for (const int value : pool.map(twice, std::views::iota(0, 100), {.chunksize = 7})) sum += value;
  EXPECT_EQ(sum, 9'900);
}

TEST(Step6_WhatBreaks, OneRankCannotAnswerWhatIsTooLargeEither) {
  if (!in_ranks(1)) return;
  concurrent::MpiWorld::most_bytes = 1'000;  // or else it takes gigabytes
  MpiPoolExecutor pool;
  const auto too_large = [](int size) { return std::string(static_cast<std::size_t>(size), 'a'); };
  const std::string error = outcome(pool.submit(too_large, 2'000));
  EXPECT_EQ(error.find("std::length_error: a message of MPI has at most 1000 bytes"), 0u)
      << "the outcome: " << error << "\nOn a cluster, the worker could not send this result.";
  EXPECT_EQ(pool.submit(twice, 21).result(), 42) << "the pool lives on";
}

TEST(Step6_WhatBreaks, OneRankPreparesItself) {
  if (!in_ranks(1)) return;
  {
    MpiPoolExecutor pool({.initializer = prepare});
    EXPECT_EQ(pool.submit([] { return prepared; }).result(), 1);
  }
  MpiPoolExecutor pool({.initializer = fail_to_prepare});
  EXPECT_THROW(pool.submit(twice, 21).result(), BrokenMpiPool);
}

TEST(Step6_WhatBreaks, ACallOfOneRankMaySubmit) {
  if (!in_ranks(1)) return;
  static MpiPoolExecutor* the_pool = nullptr;
  MpiPoolExecutor pool;
  the_pool = &pool;
  static Future<int> later = pool.submit(twice, 1);
  EXPECT_EQ(pool.submit([] {
                  later = the_pool->submit(twice, 21);
                  return 1;
                })
                .result(),
            1);
  EXPECT_EQ(later.result(), 42);
}
