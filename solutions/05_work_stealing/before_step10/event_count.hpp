#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "todo.hpp"

namespace concurrent {

/// Lets threads sleep until something has happened that others can see without a lock: a condition variable
/// for lock-free data. All members may be called from any thread.
///
/// A thread that wants to sleep announces it, looks *again* whether there is something to do, and only then
/// waits. A thread that brings something publishes it first and then notifies.
class EventCount {
 public:
  /// What prepare_wait() gives, for wait().
  using Key = std::uint32_t;

  /// Announces that this thread is about to sleep. It must look again, and then call either wait() or
  /// cancel_wait().
  [[nodiscard]] Key prepare_wait() {
    // <exercise 5.1 EventCount::prepare_wait>
    std::lock_guard lock(mutex_);
    ++sleepers_;
    return epoch_;
    // </exercise>
  }

  /// Takes the announcement back.
  void cancel_wait() {
    // <exercise 5.1 EventCount::cancel_wait>
    std::lock_guard lock(mutex_);
    --sleepers_;
    // </exercise>
  }

  /// Sleeps until somebody has notified since prepare_wait(); it may also return for no reason.
  void wait(Key key) {
    // <exercise 5.1 EventCount::wait>
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return epoch_ != key; });
    --sleepers_;
    // </exercise>
  }

  /// Wakes a sleeper, if there is one. A thread that comes back from wait() or cancel_wait() must look for
  /// what there is, and notify the next if something is left.
  void notify_one() {
    // <exercise 5.1 EventCount::notify_one>
    {
      std::lock_guard lock(mutex_);
      ++epoch_;
    }
    changed_.notify_one();
    // </exercise>
  }

  /// Wakes every sleeper.
  void notify_all() {
    // <exercise 5.1 EventCount::notify_all>
    {
      std::lock_guard lock(mutex_);
      ++epoch_;
    }
    changed_.notify_all();
    // </exercise>
  }

  /// True if somebody sleeps or is about to. Only a hint: it may be out of date when it comes back.
  [[nodiscard]] bool has_sleepers() const noexcept {
    // <exercise 5.1 EventCount::has_sleepers>
    return sleepers_.load(std::memory_order_relaxed) != 0;
    // </exercise>
  }

 private:
  // <exercise 5.1 members your choice>
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  Key epoch_ = 0;                            // changes with each notification
  std::atomic<std::uint32_t> sleepers_ = 0;  // threads that sleep or are about to: atomic for has_sleepers()
  // </exercise>
};

}  // namespace concurrent
