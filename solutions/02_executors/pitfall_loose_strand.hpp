#pragma once

#include <atomic>
#include <mutex>
#include <utility>

#include "executor.hpp"
#include "todo.hpp"

namespace concurrent {

/// A strand that is wrong on purpose: two of its jobs may run at the same time. Do not use it. The executor
/// must have ended before the strand is destroyed.
class LooseStrand {
 public:
  explicit LooseStrand(Executor& executor) : executor_(executor) {}

  void post(Job job) {
    // <exercise 6.1 LooseStrand::post>
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    if (active_.load()) return;
    active_.store(true);
    executor_.post([this] { run(); });
    // </exercise>
  }

 private:
  void run() {
    // <exercise 6.2 LooseStrand::run>
    for (;;) {
      std::unique_lock lock(mutex_);
      if (jobs_.empty()) break;
      Job job = jobs_.take_front();
      lock.unlock();
      job();
    }
    active_.store(false);
    // </exercise>
  }

  Executor& executor_;
  std::mutex mutex_;
  Ring<Job> jobs_;
  std::atomic<bool> active_ = false;  // a drain job is posted or runs
};

}  // namespace concurrent
