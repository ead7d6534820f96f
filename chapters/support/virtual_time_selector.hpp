#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "selector.hpp"

namespace asyncio {

/// A Selector for tests: it does not wait, but puts its clock forward by the timeout. So an hour of timers
/// runs at once, and the same way each time. Without a timeout it waits for wake(), as any other; and while
/// there is work on other threads, which do not know this time, its time passes as theirs does.
class VirtualTimeSelector final : public Selector {
 public:
  /// @param start the time at the beginning
  explicit VirtualTimeSelector(TimePoint start = TimePoint()) : now_(start) {}

  void select(std::optional<Duration> timeout) override {
    std::unique_lock lock(mutex_);
    if (!timeout)
      changed_.wait(lock, [this] { return woken_; });
    else if (elsewhere_ == 0 ? !woken_ : !wait_really(lock, *timeout))
      now_ = time_after(now_, *timeout);
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

  [[nodiscard]] int* work_elsewhere() noexcept override { return &elsewhere_; }

  /// Puts the clock forward, as a callback does that takes long. Only the loop's thread may call it.
  void advance(concurrent::AnyDuration by) { now_ += by; }

 private:
  /// @returns true if it was woken before the time was over
  bool wait_really(std::unique_lock<std::mutex>& lock, Duration timeout) {
    return changed_.wait_until(lock, time_after(std::chrono::steady_clock::now(), timeout),
                               [this] { return woken_; });
  }

  TimePoint now_;
  int elsewhere_ = 0;

  std::mutex mutex_;  // guards woken_
  std::condition_variable changed_;
  bool woken_ = false;
};

}  // namespace asyncio
