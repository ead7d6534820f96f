// Chapter 14, step 7: the end of a pool, and of the program.

#include "support.hpp"

#include <atomic>
#include <exception>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "gate.hpp"

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

TEST(Step7_TheEnd, ShutdownWaitsForTheLastCallback) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  course::Gate gate;
  const Fifo fifo;
  pool.submit(wait_at, fifo.name()).add_done_callback([&](const auto&) { gate.pass(); });
  fifo.let_go();
  gate.wait_until_entered();
  std::atomic<bool> returned = false;
  std::thread thread([&] {
    pool.shutdown();
    returned = true;
  });
  course::wait_until_others_block();
  EXPECT_FALSE(returned) << "a callback runs";
  gate.open();
  thread.join();
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
  MpiPoolExecutor pool;
  const Fifo fifo;
  const auto future = pool.submit(wait_at, fifo.name());
  pool.shutdown({.wait = false});
  EXPECT_FALSE(future.done());
  fifo.let_go();
  EXPECT_EQ(future.result(), "go");
}

TEST(Step7_TheEnd, WhoeverWaitsIsWoken) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const Fifo fifo;
  const auto first = pool.submit(wait_at, fifo.name());
  const auto second = pool.submit(twice, 1);
  while (!first.running()) std::this_thread::yield();
  std::atomic<int> returned = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      pool.shutdown({.cancel_futures = true});
      EXPECT_TRUE(first.done());
      ++returned;
    });
  while (!second.cancelled()) std::this_thread::yield();
  course::wait_until_others_block();
  EXPECT_EQ(returned, 0) << "a call is with a worker";
  fifo.let_go();
  for (auto& thread : threads) thread.join();
}

TEST(Step7_TheEnd, ShutdownCanCancelWhatIsQueued) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const Fifo fifo;
  const auto first = pool.submit(wait_at, fifo.name());
  std::vector<Future<int>> queued;
  for (int i = 0; i < 3; ++i) queued.push_back(pool.submit(twice, i));
  while (!first.running()) std::this_thread::yield();
  pool.shutdown({.wait = false});
  for (const auto& call : queued) EXPECT_FALSE(call.done()) << "not yet";
  pool.shutdown({.wait = false, .cancel_futures = true});
  for (const auto& call : queued) EXPECT_TRUE(call.cancelled());
  EXPECT_FALSE(first.cancelled()) << "a call that is with a worker runs to its end";
  fifo.let_go();
  pool.shutdown();
  ASSERT_TRUE(first.done());
  EXPECT_EQ(first.result(), "go") << "nor has it failed";
}

TEST(Step7_TheEnd, ACallbackOfACancelledCallFindsThePoolClosed) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const Fifo fifo;
  const auto first = pool.submit(wait_at, fifo.name());
  std::string said;
  auto second = pool.submit(twice, 1);
  second.add_done_callback([&](const auto&) {
    try {
      pool.submit(twice, 1);
      said = "taken";
    } catch (const ExecutorShutdown&) {
      said = "closed";
    }
    pool.shutdown({.wait = false, .cancel_futures = true});
  });
  while (!first.running()) std::this_thread::yield();
  pool.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_EQ(said, "closed");
  fifo.let_go();
}

TEST(Step7_TheEnd, ACallbackMayShutDownWithoutWaiting) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  std::promise<std::string> said;
  const Fifo fifo;  // as long as the call waits, the callback is the pool's to run
  pool.submit(wait_at, fifo.name()).add_done_callback([&](const auto&) {
    try {
      pool.shutdown({.wait = false});
      said.set_value("nothing");
    } catch (const concurrent::Error& error) {
      said.set_value(error.what());
    } catch (...) {
      said.set_exception(std::current_exception());
    }
  });
  fifo.let_go();
  EXPECT_EQ(said.get_future().get(), "nothing");
}

TEST(Step7_TheEnd, ACallbackCannotWaitForItsOwnPool) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  std::promise<std::string> said;
  const Fifo fifo;  // as long as the call waits, the callback is the pool's to run
  pool.submit(wait_at, fifo.name()).add_done_callback([&](const auto&) {
    try {
      pool.shutdown();
      said.set_value("nothing");
    } catch (const concurrent::Error& error) {
      said.set_value(error.what());
    } catch (...) {
      said.set_exception(std::current_exception());
    }
  });
  fifo.let_go();
  EXPECT_NE(said.get_future().get(), "nothing");
  EXPECT_EQ(pool.submit(twice, 21).result(), 42) << "it has not been shut down";
}
