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
/// waits. A thread that brings something publishes it first and then notifies. As long as nobody sleeps, that
/// takes no lock and no system call.
class EventCount {
 public:
  /// What prepare_wait() gives, for wait().
  using Key = std::uint32_t;

  /// Announces that this thread is about to sleep. It must look again, and then call either wait() or
  /// cancel_wait().
  [[nodiscard]] Key prepare_wait() noexcept {
    // <exercise 10.1 EventCount::prepare_wait>
    sleepers_.fetch_add(1, std::memory_order_relaxed);
    const Key key = epoch_.load(std::memory_order_acquire);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return key;
    // </exercise>
  }

  /// Takes the announcement back.
  void cancel_wait() {
    // <exercise 10.1 EventCount::cancel_wait>
    std::lock_guard lock(mutex_);
    leave();
    // </exercise>
  }

  /// Sleeps until somebody has notified since prepare_wait(); it may also return for no reason.
  void wait(Key key) {
    // <exercise 10.1 EventCount::wait>
    std::unique_lock lock(mutex_);
    if (epoch_.load(std::memory_order_relaxed) == key && !wakeup_in_flight_.load(std::memory_order_relaxed))
      changed_.wait(lock);
    leave();
    // </exercise>
  }

  /// Wakes a sleeper, unless there is none or one has been woken that is still on its way. A thread that
  /// comes back from wait() or cancel_wait() must look for what there is, and notify the next if something is
  /// left.
  void notify_one() {
    // <exercise 10.1 EventCount::notify_one>
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_relaxed) == 0 || wakeup_in_flight_.load(std::memory_order_relaxed))
      return;
    {
      std::lock_guard lock(mutex_);
      if (sleepers_.load(std::memory_order_relaxed) == 0 || wakeup_in_flight_.load(std::memory_order_relaxed))
        return;
      wakeup_in_flight_.store(true, std::memory_order_relaxed);
      begin_epoch();
    }
    changed_.notify_one();
    // </exercise>
  }

  /// Wakes every sleeper.
  void notify_all() {
    // <exercise 10.1 EventCount::notify_all>
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_relaxed) == 0) return;
    {
      std::lock_guard lock(mutex_);
      begin_epoch();
    }
    changed_.notify_all();
    // </exercise>
  }

  /// True if somebody sleeps whom nobody has woken yet. Only a hint, without a fence.
  [[nodiscard]] bool has_sleepers() const noexcept {
    return sleepers_.load(std::memory_order_relaxed) != 0 &&
           !wakeup_in_flight_.load(std::memory_order_relaxed);
  }

 private:
  void begin_epoch() noexcept {
    epoch_.store(epoch_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// Takes one sleeper away. Call it under the lock. The fence makes the caller's next look see all work
  /// whose notification was skipped because wakeup_in_flight_ was set.
  void leave() noexcept {
    wakeup_in_flight_.store(false, std::memory_order_relaxed);
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

  // Most notifications only read these two.
  alignas(64) std::atomic<std::uint32_t> sleepers_ = 0;  // threads that sleep or are about to
  std::atomic<bool> wakeup_in_flight_ = false;  // a sleeper has been notified and has not woken up yet

  alignas(64) std::mutex mutex_;  // guards the epoch_, wakeup_in_flight_, and who leaves
  std::condition_variable changed_;
  std::atomic<Key> epoch_ = 0;
};

}  // namespace concurrent
