// Chapter 14, step 4: the life of a pool and of its workers.

#include "support.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

int prepared = 0;
void prepare() { ++prepared; }

}  // namespace

TEST(Step4_Life, TheInitializerRunsOnceInEachWorkerOfEachPool) {
  if (!in_ranks(3)) return;
  for (int pools = 1; pools <= 2; ++pools) {
    MpiPoolExecutor pool({.initializer = prepare});
    for (const int times : results_of(
             pool, [] { return prepared; }, 20))
      EXPECT_EQ(times, pools);
  }
}

TEST(Step4_Life, ThePoolHasNoMoreWorkersThanItIsToldTo) {
  if (!in_ranks(4)) return;
  {
    MpiPoolExecutor pool({.max_workers = 1});
    EXPECT_EQ(pool.num_workers(), 1);
    for (const int where : results_of(pool, rank, 50)) EXPECT_EQ(where, 1);
  }
  MpiPoolExecutor pool({.max_workers = 17});
  EXPECT_EQ(pool.num_workers(), 3) << "nor than there are";
  EXPECT_THROW(MpiPoolExecutor({.max_workers = 0}), std::invalid_argument);
}

TEST(Step4_Life, TheWorkersStayFromPoolToPool) {
  if (!in_ranks(3)) return;
  for (int i = 0; i < 5; ++i) {
    MpiPoolExecutor pool;
    EXPECT_EQ(pool.submit(twice, i).result(), 2 * i);
  }
}

TEST(Step4_Life, TheProgramEndsWithItsOwnStatus) {
  if (is_rank()) {
    {
      MpiPoolExecutor pool;
      EXPECT_EQ(pool.submit(twice, 21).result(), 42);
    }
    std::exit(7);
  }
  EXPECT_EQ(mpirun(3, this_test()).status, 7);
}

TEST(Step4_Life, OnlyRank0RunsWhatStandsBehindThePool) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    std::puts("said once");
    return;
  }
  const Ran ran = mpirun(3, this_test());
  EXPECT_EQ(ran.status, 0) << ran.output;
  const auto first = ran.output.find("said once");
  ASSERT_NE(first, std::string::npos) << ran.output;
  EXPECT_EQ(ran.output.find("said once", first + 1), std::string::npos) << ran.output;
}

TEST(Step4_Life, ARankThatIsKilledEndsAllAndItsCallIsNamed) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    struct Deadly {
      void operator()() const { ::raise(SIGKILL); }
    };
    results_of(pool, rank, 100);  // both ranks have run something
    pool.submit(Deadly()).result();
    return;
  }
  const Ran ran = mpirun(3, this_test());
  EXPECT_NE(ran.status, 0);
  EXPECT_TRUE(ran.says("has died while it ran")) << ran.output;
  EXPECT_TRUE(ran.says("Deadly")) << ran.output;
  EXPECT_FALSE(ran.says("was running")) << "the other rank had nothing to do\n" << ran.output;
}

TEST(Step4_Life, ACallThatExitsEndsAll) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    pool.submit([] { std::exit(3); }).result();
    return;
  }
  const Ran ran = mpirun(2, this_test());
  EXPECT_NE(ran.status, 0) << ran.output;
}

TEST(Step4_Life, OnePoolAtATimeHasTheRanks) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_THROW(MpiPoolExecutor(), concurrent::Error);
  EXPECT_EQ(pool.submit(twice, 21).result(), 42) << "the first goes on";
}
