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
