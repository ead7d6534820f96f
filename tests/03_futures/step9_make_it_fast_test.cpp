// Chapter 03, step 9: make it fast. What a submit and a result cost is counted here: allocations and locks.

#include <pthread.h>

#include "failing_calls.hpp"
#include "support.hpp"

#include <latch>
#include <optional>
#include <thread>
#include <vector>

COURSE_MAY_FAIL(int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex))

using concurrent::Job;

namespace {

/// An executor that keeps jobs in memory that it has from the start, and runs them when told.
class Preallocated : public concurrent::Executor {
 public:
  explicit Preallocated(std::size_t most) { jobs_.reserve(most); }
  void post(Job job) override { jobs_.push_back(std::move(job)); }
  void shutdown(concurrent::ShutdownOptions) override {}
  void run_all() {
    for (Job& job : jobs_) job();
    jobs_.clear();
  }

 private:
  std::vector<Job> jobs_;
};

/// Returns how often a mutex is locked while `fn()` runs.
template <class F>
int locks_in(F&& fn) {
  pthread_mutex_lock_calls.reset();
  std::forward<F>(fn)();
  return pthread_mutex_lock_calls.count();
}

}  // namespace

TEST(Step9_MakeItFast, ASubmitAllocatesOnceAndAResultNever) {
  Preallocated executor(4);
  const auto use = [&] {
    const Future<int> future = executor.submit(add, 40, 2);
    executor.run_all();
    EXPECT_EQ(future.result(), 42);
  };
  EXPECT_EQ(course::allocations_in(use), 1u) << "function, arguments, result and future share one block";
  std::optional<Future<int>> future;
  EXPECT_EQ(course::allocations_in([&] { future = executor.submit(add, 40, 2); }), 1u);
  executor.run_all();
  EXPECT_EQ(course::allocations_in([&] { future->result(); }), 0u);
}

TEST(Step9_MakeItFast, AnExecutorThatHasGrownAddsNoAllocationOfItsOwn) {
  ManualExecutor executor;
  const auto run_one = [&] {
    const Future<int> future = executor.submit(add, 40, 2);
    executor.run_one();
    future.result();
  };
  run_one();
  EXPECT_EQ(course::allocations_in(run_one), 1u);
}

TEST(Step9_MakeItFast, AWarmPoolAllocatesOnceForASubmitAndItsResult) {
  std::size_t allocations = 0;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  for (int i = 0; i < 4; ++i) {  // the worker has started, and both ends of its queue have grown
    allocations = course::allocations_in([&] { pool.submit(add, 40, 2).result(); });
    course::wait_until_others_block();
  }
  EXPECT_EQ(allocations, 1u);
}

TEST(Step9_MakeItFast, WaitingAllocatesNothing) {
  Promise<int> promise;
  const Future<int> future = promise.future();
  std::latch about_to_wait(1);
  std::size_t allocations = 1;
  std::thread reader([&] {
    about_to_wait.count_down();
    allocations = course::allocations_in([&] { future.result(); });
  });
  about_to_wait.wait();
  for (int i = 0; i < 1'000; ++i) std::this_thread::yield();  // it waits by now, most likely
  promise.set_result(1);
  reader.join();
  EXPECT_EQ(allocations, 0u);
}

TEST(Step9_MakeItFast, LookingAtAFutureTakesNoLock) {
  Promise<int> pending, done;
  const Future<int> not_yet = pending.future(), future = done.future();
  done.set_result(42);
  EXPECT_EQ(locks_in([&] { EXPECT_FALSE(not_yet.done()); }), 0);
  EXPECT_EQ(locks_in([&] { EXPECT_EQ(future.state(), FutureState::finished); }), 0);
  EXPECT_EQ(locks_in([&] { EXPECT_EQ(future.result(), 42); }), 0) << "the result is there";
  EXPECT_EQ(locks_in([&] { EXPECT_EQ(future.result(1h), 42); }), 0);
  EXPECT_EQ(locks_in([&] { EXPECT_EQ(future.exception(), nullptr); }), 0);
}

TEST(Step9_MakeItFast, ACallTakesOneLockFromSubmitToResult) {
  Preallocated executor(1);
  const auto use = [&] {
    const Future<int> future = executor.submit(add, 40, 2);
    executor.run_all();
    EXPECT_EQ(future.result(), 42);
  };
  EXPECT_LE(locks_in(use), 1) << "only when the future becomes done somebody may just be lining up";
}
