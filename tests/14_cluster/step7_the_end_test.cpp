// Chapter 14, step 7: the end of a pool, and of the program.

#include "support.hpp"

#include <unistd.h>

#include <cstdlib>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

int prepared = 0;
void prepare() { ++prepared; }

std::string new_fifo() {
  std::string fifo = "/tmp/cluster_test_" + std::to_string(::getpid());
  run("rm -f " + fifo + "; mkfifo " + fifo);
  return fifo;
}

int wait_for(const std::string& fifo) {
  run("cat " + fifo);
  return 1;
}

}  // namespace

TEST(Step7_TheEnd, ShutdownWaitsForWhatIsQueued) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(twice, i));
  pool.shutdown();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(futures[static_cast<std::size_t>(i)].done());
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), 2 * i);
  }
}

TEST(Step7_TheEnd, NothingIsTakenAfterShutdown) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  pool.shutdown();
  EXPECT_THROW(pool.submit(twice, 1), ExecutorShutdown);
  pool.shutdown();  // once more does no harm
}

TEST(Step7_TheEnd, ShutdownNeedNotWait) {
  if (!in_ranks(2)) return;
  const std::string fifo = new_fifo();
  MpiPoolExecutor pool;
  const auto future = pool.submit(wait_for, fifo);
  pool.shutdown({.wait = false});
  EXPECT_FALSE(future.done());
  run("echo > " + fifo);
  EXPECT_EQ(future.result(), 1);
  run("rm " + fifo);
}

TEST(Step7_TheEnd, ShutdownCanCancelWhatIsQueued) {
  if (!in_ranks(2)) return;
  const std::string fifo = new_fifo();
  MpiPoolExecutor pool;
  const auto first = pool.submit(wait_for, fifo);
  const auto second = pool.submit(twice, 1);
  run("true <> " + fifo);
  pool.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_TRUE(second.cancelled());
  run("echo > " + fifo);
  pool.shutdown();
  EXPECT_TRUE(first.done());
  run("rm " + fifo);
}

TEST(Step7_TheEnd, ACallbackCannotWaitForItsOwnPool) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  std::promise<std::string> said;
  pool.submit(twice, 1).add_done_callback([&](const Future<int>&) {
    try {
      pool.shutdown();
      said.set_value("nothing");
    } catch (const concurrent::Error& error) {
      said.set_value(error.what());
    }
  });
  EXPECT_NE(said.get_future().get(), "nothing");
}

TEST(Step7_TheEnd, TheInitializerRunsOnceInEachWorkerOfEachPool) {
  if (!in_ranks(3)) return;
  for (int pools = 1; pools <= 2; ++pools) {
    MpiPoolExecutor pool({.initializer = prepare});
    for (const int times : pool.map([](int) { return prepared; }, std::views::iota(0, 20)))
      EXPECT_EQ(times, pools);
  }
}

TEST(Step7_TheEnd, ThePoolHasNoMoreWorkersThanItIsToldTo) {
  if (!in_ranks(4)) return;
  {
    MpiPoolExecutor pool({.max_workers = 1});
    EXPECT_EQ(pool.num_workers(), 1);
    for (const int where : pool.map([](int) { return rank(); }, std::views::iota(0, 50))) EXPECT_EQ(where, 1);
  }
  MpiPoolExecutor pool({.max_workers = 17});
  EXPECT_EQ(pool.num_workers(), 3) << "nor than there are";
  EXPECT_THROW(MpiPoolExecutor({.max_workers = 0}), std::invalid_argument);
}

TEST(Step7_TheEnd, TheWorkersStayFromPoolToPool) {
  if (!in_ranks(3)) return;
  for (int i = 0; i < 5; ++i) {
    MpiPoolExecutor pool;
    EXPECT_EQ(pool.submit(twice, i).result(), 2 * i);
  }
}

TEST(Step7_TheEnd, TheProgramEndsWithItsOwnStatus) {
  if (is_rank()) {
    {
      MpiPoolExecutor pool;
      EXPECT_EQ(pool.submit(twice, 21).result(), 42);
    }
    std::exit(7);
  }
  EXPECT_EQ(mpirun(3, this_test()).status, 7);
}

TEST(Step7_TheEnd, OnlyRank0RunsWhatStandsBehindThePool) {
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
