#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "cancelled_error.hpp"
#include "coro.hpp"
#include "lock.hpp"
#include "todo.hpp"
#include "wait_queue.hpp"

namespace asyncio {

/// Lets tasks that have a lock wait until another one says that something has changed.
/// For the loop's thread. Python: `asyncio.Condition`.
class Condition : public SyncObject {
 public:
  /// Makes one with a lock of its own.
  Condition() : SyncObject("Condition"), own_(std::in_place), lock_(*own_) {}
  /// @param lock which must live longer; several conditions may share one
  explicit Condition(Lock& lock) noexcept : SyncObject("Condition"), lock_(lock) {}

  // The lock's.
  [[nodiscard]] Lock::Acquire acquire() noexcept { return lock_.acquire(); }
  [[nodiscard]] Lock::Scoped scoped() noexcept { return lock_.scoped(); }
  void release() { lock_.release(); }
  [[nodiscard]] bool locked() const noexcept { return lock_.locked(); }

  /// Gives the lock back, waits until it is notified, and takes the lock again: it has the lock when it
  /// returns, and also when it throws. It may return without a reason: see wait_for().
  /// Python: `condition.wait`.
  /// @returns true
  /// @throws std::runtime_error if nobody has the lock, or if tasks of another loop have waited
  /// @throws CancelledError if the task was cancelled; another one is notified in its place
  template <class Result = bool>
  Coro<Result> wait() {
    // <exercise 4.1 Condition::wait>
    if (!locked()) throw std::runtime_error("cannot wait on un-acquired lock");
    bind(detail::TaskBase::running().tasks());  // before the lock goes: what this throws leaves with the lock
    release();
    bool cancelled = false;
    try {
      co_await waiters_.wait();
    } catch (const CancelledError&) {
      cancelled = true;
    }
    // Whoever called this believes that they have the lock, whatever happens.
    for (bool acquired = false; !acquired;) {
      try {
        acquired = co_await acquire();
      } catch (const CancelledError&) {
        cancelled = true;
      }
    }
    if (cancelled) {
      waiters_.wake(1);  // in the place of this one, which may have been notified
      throw CancelledError();
    }
    co_return true;
    // </exercise>
  }

  /// Waits until `predicate()` is true, which is called with the lock held, and again after each wait().
  /// If it is true at once, the lock is not needed. Python: `condition.wait_for`.
  /// @returns what the predicate has returned
  template <std::invocable Predicate>
  Coro<std::decay_t<std::invoke_result_t<Predicate&>>> wait_for(Predicate predicate) {
    while (true) {
      std::decay_t<std::invoke_result_t<Predicate&>> result = std::invoke(predicate);
      if (result) co_return result;
      co_await wait();
    }
  }

  /// Wakes so many of those who wait, the first to come first; they go on when they have the lock.
  /// Python: `condition.notify`.
  /// @throws std::runtime_error if nobody has the lock
  void notify(std::size_t n = 1) {
    if (!locked()) throw std::runtime_error("cannot notify on un-acquired lock");
    waiters_.wake(n);
  }
  /// As notify(), all of them. Python: `condition.notify_all`.
  void notify_all() { notify(std::numeric_limits<std::size_t>::max()); }

 private:
  friend class Barrier;

  /// One that is all that tasks of `owner` wait for, and goes by its name when a hang is explained.
  explicit Condition(SyncObject& owner)
      : SyncObject("Condition"), own_(std::in_place), lock_(*own_), waiters_(owner) {}

  std::optional<Lock> own_;
  Lock& lock_;
  WaitQueue waiters_{*this};
};

}  // namespace asyncio
