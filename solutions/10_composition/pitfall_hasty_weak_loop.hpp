#pragma once

#include <atomic>
#include <mutex>

#include "todo.hpp"

namespace asyncio {

/// A stand-in for a loop, which a HastyWeakLoop leads to.
class Bell {
 public:
  void ring() { ++rings_; }
  [[nodiscard]] int rings() const { return rings_; }

 private:
  std::atomic<int> rings_ = 0;
};

/// The way from other threads to a bell, which may go at any time after close(). It is wrong on purpose: do
/// not use it.
class HastyWeakLoop {
 public:
  explicit HastyWeakLoop(Bell& bell) : bell_(&bell) {}

  /// Rings the bell, if it is there. Any thread may call it.
  void post() {
    // <exercise 9.1 HastyWeakLoop::post>
    Bell* bell = nullptr;
    {
      std::lock_guard lock(mutex_);
      bell = bell_;
    }
    if (bell) bell->ring();
    // </exercise>
  }

  /// There is no bell any more.
  void close() {
    std::lock_guard lock(mutex_);
    bell_ = nullptr;
  }

 private:
  std::mutex mutex_;  // guards bell_
  Bell* bell_;
};

}  // namespace asyncio
