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
/// waits:
///
///     const auto key = events.prepare_wait();
///     if (there_is_work()) events.cancel_wait();
///     else events.wait(key);
///
/// A thread that brings something publishes it first and then notifies.
class EventCount {
 public:
  /// The epoch at the time of prepare_wait(), for wait().
  using Key = std::uint32_t;

  /// Announces that this thread is about to sleep. It must look again, and then call either wait() or
  /// cancel_wait().
  [[nodiscard]] Key prepare_wait() {
    todo("5.1", "EventCount::prepare_wait");
  }

  /// Takes the announcement back.
  void cancel_wait() {
    std::lock_guard lock(mutex_);
    --sleepers_;
  }

  /// Sleeps until somebody has notified since prepare_wait(); it may also return for no reason.
  void wait(Key key) {
    todo("5.1", "EventCount::wait");
  }

  /// Wakes a sleeper, if there is one. A thread that comes back from wait() or cancel_wait() must look for
  /// what there is, and notify the next if something is left.
  void notify_one() {
    todo("5.1", "EventCount::notify_one");
  }

  /// Wakes every sleeper.
  void notify_all() {
    todo("5.1", "EventCount::notify_all");
  }

  /// True if somebody sleeps or is about to. Only a hint: it may be out of date when it comes back.
  [[nodiscard]] bool has_sleepers() const noexcept { return sleepers_.load(std::memory_order_relaxed) != 0; }

 private:
  // A suggestion. All of it is yours to change: the tests see only what is public.
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  Key epoch_ = 0;                            // changes with each notification
  std::atomic<std::uint32_t> sleepers_ = 0;  // threads that sleep or are about to: atomic for has_sleepers()
};

}  // namespace concurrent
