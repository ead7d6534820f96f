#pragma once

#include <atomic>
#include <utility>

#include "errors.hpp"
#include "executor_base.hpp"
#include "job.hpp"
#include "todo.hpp"

namespace concurrent {

/// Runs each job at once, on the thread that posts it: the sequential baseline as an executor.
class InlineExecutor : public Executor {
 public:
  /// Returns when the job has run and has been destroyed. Several threads may post at the same time; none
  /// waits for the job of another. An exception of the job does not reach the poster.
  void post(Job job) override {
    require_job(job, "InlineExecutor::post");
    // <exercise 1.1 InlineExecutor::post>
    if (shut_down_.load()) throw ExecutorShutdown();
    run(std::move(job));
    // </exercise>
  }

  /// Refuses jobs from now on. No job is ever queued, so there is nothing to cancel, and it does not wait for
  /// a job that another thread is just running.
  void shutdown(ShutdownOptions options = {}) override {
    // <exercise 1.1 InlineExecutor::shutdown>
    shut_down_.store(true);
    // </exercise>
  }

 private:
  // <exercise 1.1 members your choice>
  std::atomic<bool> shut_down_ = false;
  // </exercise>
};

}  // namespace concurrent
