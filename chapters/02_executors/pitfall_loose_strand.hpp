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
    todo("8.1", "LooseStrand::post");
  }

 private:
  Executor& executor_;
  // For 8.1: members of LooseStrand.
};

}  // namespace concurrent
