#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "selector.hpp"

namespace asyncio {

/// A Selector for tests: it does not wait, but puts its clock forward by the timeout. So an hour of timers
/// runs at once, and the same way each time. Without a timeout it waits for wake(), as any other.
class VirtualTimeSelector final : public Selector {
 public:
  /// @param start the time at the beginning
  explicit VirtualTimeSelector(TimePoint start = TimePoint()) : now_(start) {}

  void select(std::optional<Duration> timeout) override {
    std::unique_lock lock(mutex_);
    if (!timeout)
      changed_.wait(lock, [this] { return woken_; });
    else if (!woken_)
      now_ += *timeout;
    woken_ = false;
  }

  void wake() override {
    {
      std::lock_guard lock(mutex_);
      woken_ = true;
    }
    changed_.notify_one();
  }

  TimePoint now() override { return now_; }

  /// Puts the clock forward, as a callback does that takes long. Only the loop's thread may call it.
  void advance(Duration by) { now_ += by; }

 private:
  TimePoint now_;

  std::mutex mutex_;  // guards woken_
  std::condition_variable changed_;
  bool woken_ = false;
};

}  // namespace asyncio
