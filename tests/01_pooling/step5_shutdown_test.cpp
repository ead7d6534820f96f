// Chapter 01, step 5: shutting down.

#include "support.hpp"

#include <atomic>
#include <barrier>
#include <cstddef>
#include <exception>
#include <latch>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using course::AtEnd;

TEST(Step5_Shutdown, ShutdownRunsAllThatIsQueuedThenEndsTheWorkers) {  // CF-40
  const std::size_t before = course::live_threads();
  std::atomic<int> ran = 0;
  ThreadPool pool{{.max_workers = 3}};
  for (int i = 0; i < 1'000; ++i) pool.post([&] { ++ran; });
  pool.shutdown();
  EXPECT_EQ(ran, 1'000);
  while (course::live_threads() > before) std::this_thread::yield();  // a joined thread may still be leaving
}

TEST(Step5_Shutdown, PostAfterShutdownThrows) {  // CF-39
  ThreadPool pool{{.max_workers = 2}};
  pool.post([] {});
  pool.shutdown();
  EXPECT_THROW(pool.post([] {}), concurrent::ExecutorShutdown);
  EXPECT_EQ(pool.threads_started(), 1u) << "a job that is refused must not start a thread";
}

TEST(Step5_Shutdown, APoolThatNeverWorkedShutsDownToo) {
  ThreadPool pool{{.max_workers = 2}};
  pool.shutdown();
  EXPECT_THROW(pool.post([] {}), concurrent::ExecutorShutdown);
  EXPECT_EQ(pool.threads_started(), 0u);
}

TEST(Step5_Shutdown, ShuttingDownAgainDoesNothing) {  // CF-40
  std::atomic<int> ran = 0;
  ThreadPool pool{{.max_workers = 2}};
  pool.post([&] { ++ran; });
  pool.shutdown({.wait = false});
  pool.shutdown();
  pool.shutdown();
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Shutdown, WithoutWaitItReturnsAtOnceAndTheWorkIsStillDone) {  // CF-41
  std::atomic<int> ran = 0;
  Gate gate;
  {
    ThreadPool pool{{.max_workers = 1}};
    OpenAtTheEnd opener(gate);
    pool.post(gate.job());
    pool.post([&] { ++ran; });
    pool.shutdown({.wait = false});  // the worker is busy: waiting would hang
    EXPECT_EQ(ran, 0);
    EXPECT_THROW(pool.post([&] { ran += 100; }), concurrent::ExecutorShutdown);
    gate.open();
  }
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Shutdown, DroppedJobsAreDestroyedUnrunAndTheRunningOneFinishes) {  // CF-42
  std::atomic<int> alive = 0;
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post([&] {
    gate.pass();
    ++ran;
  });
  gate.wait_until_entered();
  for (int i = 0; i < 10; ++i) pool.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  EXPECT_EQ(alive, 10);
  pool.shutdown({.wait = false, .drop_pending = true});
  EXPECT_EQ(alive, 0) << "shutdown({.drop_pending = true}) returns when the queue is empty";
  gate.open();
  pool.shutdown();
  EXPECT_EQ(ran, 1) << "the job that had started finishes; no other starts";
}

TEST(Step5_Shutdown, ADroppedJobsDestructorMayUseThePool) {
  struct Nosy {
    explicit Nosy(ThreadPool& pool, std::size_t& seen) : pool(&pool), seen(&seen) {}
    Nosy(Nosy&& other) noexcept : pool(std::exchange(other.pool, nullptr)), seen(other.seen) {}
    ~Nosy() {
      if (pool) *seen = pool->threads_started();
    }
    void operator()() {}
    ThreadPool* pool;
    std::size_t* seen;
  };
  std::size_t seen = 0;
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post(gate.job());
  gate.wait_until_entered();
  pool.post(Nosy(pool, seen));
  pool.shutdown(
      {.wait = false, .drop_pending = true});  // hangs if the job is destroyed under the pool's lock
  EXPECT_EQ(seen, 1u);
  gate.open();
}

TEST(Step5_Shutdown, EveryCallerThatWaitsFindsTheWorkersEnded) {
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post([&] {
    gate.pass();
    ++ran;
  });
  gate.wait_until_entered();
  std::vector<int> found(2);
  std::vector<std::thread> callers;
  for (int& what : found)
    callers.emplace_back([&] {
      pool.shutdown();
      what = ran;
    });
  course::wait_until_others_block();
  gate.open();
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(found, (std::vector<int>{1, 1})) << "a second shutdown() must wait as the first one does";
}

TEST(Step5_Shutdown, AWorkerThatWouldWaitForItselfIsTold) {
  std::atomic<bool> told = false;
  std::atomic<bool> went_on = false;
  {
    ThreadPool pool{{.max_workers = 1}};
    pool.post([&] {
      try {
        pool.shutdown();
      } catch (const concurrent::Error&) {
        told = true;
        pool.post([&] { went_on = true; });  // nothing has changed
      }
    });
    course::wait_until_others_block();
    EXPECT_TRUE(told);
    EXPECT_TRUE(went_on);
    pool.shutdown();
  }
}

TEST(Step5_Shutdown, AJobMayShutItsPoolDownWithoutWaiting) {
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post([&] {
    gate.pass();
    pool.shutdown({.wait = false});
  });
  pool.post([&] { ++ran; });
  gate.open();
  pool.shutdown();
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Shutdown, AFailedInitializerBreaksThePool) {  // CF-38
  std::atomic<int> alive = 0, ran = 0, told = 0;
  std::latch fail(1);
  ThreadPool pool{{.max_workers = 1, .initializer = [&] {
                     fail.wait();
                     throw std::runtime_error("no stove");
                   }}};
  pool.set_exception_handler([&](std::exception_ptr) { ++told; });
  for (int i = 0; i < 3; ++i) pool.post([&, owned = std::make_unique<Counted>(alive)] { ++ran; });
  fail.count_down();
  pool.shutdown();
  EXPECT_EQ(alive, 0) << "what was queued is destroyed";
  EXPECT_EQ(ran, 0) << "no job runs on a worker that is not ready";
  EXPECT_EQ(told, 1) << "the exception handler hears of it";
  EXPECT_THROW(pool.post([] {}), concurrent::BrokenThreadPool);
}

TEST(Step5_Shutdown, EveryWorkerWhoseInitializerFailsIsReported) {  // CF-38
  std::atomic<int> told = 0;
  std::latch fail(1);
  ThreadPool pool{{.max_workers = 3, .initializer = [&] {
                     fail.wait();
                     throw std::runtime_error("no stove");
                   }}};
  pool.set_exception_handler([&](std::exception_ptr) { ++told; });
  for (int i = 0; i < 3; ++i) pool.post([] {});
  fail.count_down();
  pool.shutdown();
  EXPECT_EQ(told, 3) << "three workers fail, perhaps at the same time";
  EXPECT_THROW(pool.post([] {}), concurrent::BrokenThreadPool);
  EXPECT_EQ(pool.threads_started(), 3u);
}

TEST(Step5_Shutdown, WorkersOfABrokenPoolFinishTheirJob) {  // CF-38
  std::atomic<int> workers = 0, ran = 0;
  std::binary_semaphore failed(0);
  Gate gate;
  ThreadPool pool{{.max_workers = 2, .initializer = [&] {
                     if (++workers == 2) throw std::runtime_error("one stove only");
                   }}};
  OpenAtTheEnd opener(gate);
  pool.set_exception_handler([&](std::exception_ptr) { failed.release(); });
  pool.post([&] {
    gate.pass();
    ++ran;
  });
  gate.wait_until_entered();
  pool.post([&] { ran += 100; });  // for a second worker, which fails
  failed.acquire();
  course::wait_until_others_block();
  EXPECT_THROW(pool.post([] {}), concurrent::BrokenThreadPool) << "one failed worker breaks the pool";
  gate.open();
  pool.shutdown();
  EXPECT_EQ(ran, 1) << "the job that had started finishes; no other starts";
}

TEST(Step5_Shutdown, JobsThatShutdownDropsHaveNoReason) {  // CF-42
  bool asked = false;
  std::exception_ptr reason = std::make_exception_ptr(0);
  Gate gate;
  ThreadPool pool{{.max_workers = 1}};
  OpenAtTheEnd opener(gate);
  pool.post(gate.job());
  gate.wait_until_entered();
  pool.post([end = AtEnd([&] {
               asked = true;
               reason = concurrent::DropReason::current();
             })] {});
  pool.shutdown({.wait = false, .drop_pending = true});
  EXPECT_TRUE(asked);
  EXPECT_FALSE(reason) << "they are cancelled: nothing has failed";
  gate.open();
}

TEST(Step5_Shutdown, JobsDroppedByABrokenPoolCanTellWhy) {  // CF-38
  bool asked = false;
  std::exception_ptr reason;
  std::latch fail(1);
  ThreadPool pool{{.max_workers = 1, .initializer = [&] {
                     fail.wait();
                     throw std::runtime_error("no stove");
                   }}};
  pool.set_exception_handler([](std::exception_ptr) {});
  pool.post([end = AtEnd([&] {
               asked = true;
               reason = concurrent::DropReason::current();
             })] {});
  fail.count_down();
  pool.shutdown();
  EXPECT_TRUE(asked);
  ASSERT_TRUE(reason) << "a job that is dropped unrun finds the reason in DropReason::current()";
  EXPECT_THROW(std::rethrow_exception(reason), concurrent::BrokenThreadPool);
}

TEST(Step5_Shutdown, PostsRacingWithShutdownEitherRunOrThrow) {  // CF-39
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> accepted = 0, ran = 0;
    ThreadPool pool{{.max_workers = 2}};
    std::barrier start(3);
    std::vector<std::jthread> posters;
    for (int i = 0; i < 2; ++i)
      posters.emplace_back([&] {
        start.arrive_and_wait();
        try {
          for (int job = 0; job < 50; ++job) {
            pool.post([&] { ++ran; });
            ++accepted;
          }
        } catch (const concurrent::ExecutorShutdown&) {
        }
      });
    start.arrive_and_wait();
    pool.shutdown();
    posters.clear();
    pool.shutdown();  // also waits for a worker that a racing post started
    ASSERT_EQ(ran, accepted) << "a job that was accepted must run";
  }
}
