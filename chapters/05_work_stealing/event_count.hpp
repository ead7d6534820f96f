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
    todo("5.1", "EventCount::prepare_wait");
  }

  /// Takes the announcement back.
  void cancel_wait() {
    todo("5.1", "EventCount::cancel_wait");
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
  [[nodiscard]] bool has_sleepers() const noexcept {
    todo("5.1", "EventCount::has_sleepers");
  }

 private:
  // For 5.1: members of your choice.
};

}  // namespace concurrent
