#pragma once

#include <cstddef>
#include <mutex>
#include <utility>

#include "errors.hpp"
#include "executor_base.hpp"
#include "job.hpp"
#include "ring.hpp"
#include "todo.hpp"

namespace concurrent {

/// Queues jobs until you run them by hand, one by one: made for tests, where you want to be the scheduler.
class ManualExecutor : public Executor {
 public:
  /// Destroys the jobs that nobody ran.
  ~ManualExecutor() override { ManualExecutor::shutdown({.wait = false, .cancel_futures = true}); }

  /// Queues the job, and runs nothing.
  void post(Job job) override {
    require_job(job, "ManualExecutor::post");
    // <exercise 2.1 ManualExecutor::post>
    std::lock_guard lock(mutex_);
    if (shut_down_) throw ExecutorShutdown();
    jobs_.push_back(std::move(job));
    // </exercise>
  }

  /// Runs the oldest job on this thread. The job may call any member, run_one() too.
  /// @returns false if there was none
  bool run_one() {
    // <exercise 2.1 ManualExecutor::run_one>
    std::unique_lock lock(mutex_);
    if (jobs_.empty()) return false;
    Job job = jobs_.take_front();
    lock.unlock();
    run(std::move(job));
    return true;
    // </exercise>
  }

  /// Runs jobs until there is none, those included that are posted meanwhile. @returns how many it ran
  std::size_t run_all() {
    std::size_t ran = 0;
    while (run_one()) ++ran;
    return ran;
  }

  /// Returns how many jobs are queued.
  [[nodiscard]] std::size_t pending() const {
    // <exercise 2.1 ManualExecutor::pending>
    std::lock_guard lock(mutex_);
    return jobs_.size();
    // </exercise>
  }

  /// As for every executor; with `wait`, the thread that calls it has to run what is queued, since nobody
  /// else would.
  void shutdown(ShutdownOptions options = {}) override {
    // <exercise 2.1 quiet ManualExecutor::shutdown>
    Ring<Job> dropped;
    {
      std::lock_guard lock(mutex_);
      shut_down_ = true;
      if (options.cancel_futures) dropped.swap(jobs_);
    }
    // What was dropped goes at the end, without the lock, because destructors may call this executor.
    if (options.wait) run_all();
    // </exercise>
  }

 private:
  // Yours: the tests see only what is public.
  // <exercise 2.1 members ManualExecutor>
  mutable std::mutex mutex_;  // guards all below
  Ring<Job> jobs_;
  bool shut_down_ = false;
  // </exercise>
};

}  // namespace concurrent
