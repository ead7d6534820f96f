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
    todo("6.1", "LooseStrand::post");
  }

 private:
  void run() {
    todo("6.2", "LooseStrand::run");
  }

  Executor& executor_;
  std::mutex mutex_;
  Ring<Job> jobs_;
  std::atomic<bool> active_ = false;  // a drain job is posted or runs
};

}  // namespace concurrent
