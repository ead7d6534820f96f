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
  void post(Job job) override {
    require_job(job, "InlineExecutor::post");
    // TODO 1.1: Refuse the job after shutdown. Else run() it.
    todo("1.1", "InlineExecutor::post");
  }

  /// There is nothing to wait for or to cancel: no job is ever queued. A job that another thread is just
  /// running is that thread's affair.
  void shutdown(ShutdownOptions options = {}) override {
    // TODO 1.2: Note it.
    todo("1.2", "InlineExecutor::shutdown");
  }

 private:
  std::atomic<bool> shut_down_ = false;
};

}  // namespace concurrent
