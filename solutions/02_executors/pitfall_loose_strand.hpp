#pragma once

#include <atomic>
#include <mutex>
#include <utility>

#include "executor_base.hpp"
#include "job.hpp"
#include "ring.hpp"
#include "todo.hpp"

namespace concurrent {

/// A strand that is wrong on purpose: two of its jobs may run at the same time. Do not use it. The executor
/// must have ended before the strand is destroyed.
class LooseStrand {
 public:
  explicit LooseStrand(Executor& executor) : executor_(executor) {}

  /// Queues the job, and sees to it that it will be run on the executor.
  void post(Job job) {
    // <exercise 8.1 LooseStrand::post>
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    if (active_.load()) return;
    active_.store(true);
    executor_.post([this] {
      for (;;) {
        std::unique_lock lock(mutex_);
        if (jobs_.empty()) break;
        Job job = jobs_.take_front();
        lock.unlock();
        job();
      }
      active_.store(false);
    });
    // </exercise>
  }

 private:
  Executor& executor_;
  // <exercise 8.1 members LooseStrand>
  std::mutex mutex_;  // guards jobs_, and nothing else
  Ring<Job> jobs_;
  std::atomic<bool> active_ = false;  // a drain job is posted or runs
  // </exercise>
};

}  // namespace concurrent
