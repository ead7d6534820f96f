#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "loop_time.hpp"
#include "ready_queue.hpp"

namespace asyncio {

/// Waits for a loop, and has its clock. Python: `selectors.BaseSelector`, and the loop's self-pipe.
class Selector {
 public:
  Selector() = default;
  Selector(const Selector&) = delete;
  Selector& operator=(const Selector&) = delete;
  virtual ~Selector() = default;

  /// Waits until something has happened, or wake() was called, or `timeout` is over; no timeout means as long
  /// as it takes, and 0 only looks. It may return earlier for no reason. Only the loop's thread calls it.
  virtual void select(std::optional<Duration> timeout) = 0;

  /// Ends the select() that waits now; if none does, the next one returns at once. Any thread may call it.
  virtual void wake() = 0;

  /// Returns the time. Only the loop's thread calls it.
  virtual TimePoint now() = 0;

  /// Takes what select() has found to run: the callbacks of files and signals, which chapter 07 brings.
  virtual ReadyQueue found() { return {}; }

  /// Where a selector whose clock jumps wants it counted how much work runs on other threads, which will
  /// wake() the loop: it does not jump meanwhile. Null for all others. Only the loop's thread may count.
  [[nodiscard]] virtual int* work_elsewhere() noexcept { return nullptr; }

  /// The loop is closed: drops what it would call.
  virtual void close() noexcept {}
};

/// A Selector that waits for nothing but time, and wake().
class SleepSelector final : public Selector {
 public:
  void select(std::optional<Duration> timeout) override {
    std::unique_lock lock(mutex_);
    const std::uint64_t before = std::exchange(seen_, calls_);
    if (before != calls_) return;  // somebody has called already
    if (!timeout) {
      while (calls_ == before) changed_.wait(lock);
    } else if (*timeout > Duration::zero()) {
      const TimePoint end = now() + *timeout;
      while (calls_ == before && changed_.wait_until(lock, end) == std::cv_status::no_timeout) continue;
    }
    seen_ = calls_;
  }

  void wake() override {
    const std::lock_guard lock(mutex_);
    ++calls_;
    changed_.notify_all();
  }

  TimePoint now() override { return std::chrono::steady_clock::now(); }

 private:
  std::mutex mutex_;  // guards both counts
  std::condition_variable changed_;
  std::uint64_t calls_ = 0;  // of wake()
  std::uint64_t seen_ = 0;   // of these, by select()
};

}  // namespace asyncio
