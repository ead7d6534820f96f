#pragma once

#include <coroutine>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

#include "cancelled_error.hpp"
#include "held.hpp"
#include "todo.hpp"
#include "wait_queue.hpp"

namespace asyncio {

/// So many permits for the tasks of one loop: acquire() takes one, release() gives one back, and those who
/// wait get theirs in the order in which they came. For the loop's thread. Python: `asyncio.Semaphore`.
class Semaphore : public SyncObject {
 public:
  class Acquire;
  using Scoped = detail::AcquireScoped<Semaphore, Acquire>;

  /// @param value how many permits there are
  /// @throws std::invalid_argument if that is negative
  explicit Semaphore(std::ptrdiff_t value = 1)
      : Semaphore("Semaphore", value, std::numeric_limits<std::ptrdiff_t>::max()) {}

  /// True if acquire() would wait: there is no permit, or others wait already.
  [[nodiscard]] bool locked() const noexcept { return value_ == 0 || !waiters_.empty(); }

  /// Waits until there is a permit, and everybody who came earlier has had one, and takes it; if that is so
  /// already, without a pass of the loop. A task that is cancelled meanwhile takes none.
  /// Python: `semaphore.acquire`.
  /// @returns true
  [[nodiscard]] Acquire acquire() noexcept;

  /// As acquire(), but gives a guard that releases when it goes. Python: `async with semaphore`.
  [[nodiscard]] Scoped scoped() noexcept;

  /// Gives a permit back: to the first who waits, if anybody does. Python: `semaphore.release`.
  /// @throws std::invalid_argument if it is bounded, and nobody has a permit
  void release() {
    if (value_ >= bound_) throw std::invalid_argument("BoundedSemaphore released too many times");
    todo("3.1", "Semaphore::release");
  }

 protected:
  Semaphore(const char* kind, std::ptrdiff_t value, std::ptrdiff_t bound)
      : SyncObject(kind), value_(value), bound_(bound) {
    if (value < 0)
      throw std::invalid_argument("Semaphore initial value must be >= 0, and not " + std::to_string(value));
  }

 private:
  // For 3.1: members of Semaphore.

  std::ptrdiff_t value_;  // free permits
  const std::ptrdiff_t bound_;
  WaitQueue waiters_{*this};
};

/// The awaiter of `co_await semaphore.acquire()`.
class Semaphore::Acquire : WaitQueue::Wait {
 public:
  explicit Acquire(Semaphore& semaphore) noexcept : Wait(semaphore.waiters_), semaphore_(semaphore) {}

  bool await_ready() noexcept {
    todo("3.1", "Acquire::await_ready");
  }
  using Wait::await_suspend;

  /// @throws CancelledError if the task was cancelled while it waited
  bool await_resume() {
    todo("3.1", "Acquire::await_resume");
  }

 private:
  Semaphore& semaphore_;
};

inline Semaphore::Acquire Semaphore::acquire() noexcept { return Acquire(*this); }
inline Semaphore::Scoped Semaphore::scoped() noexcept { return Scoped(*this); }

/// A Semaphore that never has more permits than in the beginning: a release() too many is an error.
/// Python: `asyncio.BoundedSemaphore`.
class BoundedSemaphore : public Semaphore {
 public:
  /// @throws std::invalid_argument if `value` is negative
  explicit BoundedSemaphore(std::ptrdiff_t value = 1) : Semaphore("BoundedSemaphore", value, value) {}
};

}  // namespace asyncio
