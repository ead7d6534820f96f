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
  ~ManualExecutor() override { close({.cancel_futures = true}); }

  void post(Job job) override {
    require_job(job, "ManualExecutor::post");
    todo("2.1", "ManualExecutor::post");
  }

  /// Runs the oldest job on this thread. @returns false if there was none
  bool run_one() {
    todo("2.2", "ManualExecutor::run_one");
  }

  /// Runs jobs until there is none, those included that are posted meanwhile. @returns how many it ran
  std::size_t run_all() {
    todo("2.3", "ManualExecutor::run_all");
  }

  /// Returns how many jobs are queued.
  [[nodiscard]] std::size_t pending() const {
    std::lock_guard lock(mutex_);
    return jobs_.size();
  }

  /// Refuses jobs from now on. With `wait`, runs what is queued on this thread, since nobody else would. It
  /// does not wait for a job that another thread is just running.
  void shutdown(ShutdownOptions options = {}) override {
    todo("2.4", "ManualExecutor::shutdown");
  }

 private:
  /// Refuses jobs from now on. Jobs to be cancelled are destroyed without the lock, because their destructors
  /// may call this executor.
  void close(ShutdownOptions options) {
    Ring<Job> dropped;
    std::lock_guard lock(mutex_);
    shut_down_ = true;
    if (options.cancel_futures) dropped.swap(jobs_);
  }

  mutable std::mutex mutex_;
  Ring<Job> jobs_;
  bool shut_down_ = false;
};

}  // namespace concurrent
