#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "todo.hpp"

namespace asyncio {

/// A queue for numbers, and the sleep of a loop. It is wrong on purpose: it looks, and then falls asleep.
/// Do not use it.
class HastyQueue {
 public:
  /// Leaves a number, and wakes the loop if it sleeps. Any thread may call it.
  void post(int number) {
    // <exercise 9.1 HastyQueue::post>
    {
      std::lock_guard lock(mutex_);
      post_ = number;
      if (!asleep_) return;
      woken_ = true;
    }
    changed_.notify_one();
    // </exercise>
  }

  /// Returns what was posted, and sleeps until then. Only the loop calls it, once.
  int wait() {
    // <exercise 9.1 HastyQueue::wait>
    {
      std::lock_guard lock(mutex_);
      if (post_) return *std::exchange(post_, std::nullopt);
    }
    std::unique_lock lock(mutex_);
    asleep_ = true;
    changed_.wait(lock, [this] { return woken_; });
    asleep_ = false;
    return *std::exchange(post_, std::nullopt);
    // </exercise>
  }

 private:
  // <exercise 9.1 members your choice>
  std::mutex mutex_;  // guards all of it
  std::optional<int> post_;
  bool asleep_ = false;
  bool woken_ = false;
  std::condition_variable changed_;
  // </exercise>
};

}  // namespace asyncio
