#pragma once

#include <coroutine>
#include <stdexcept>

#include "cancelled_error.hpp"
#include "held.hpp"
#include "task.hpp"
#include "todo.hpp"
#include "wait_queue.hpp"

namespace asyncio {

/// A lock for the tasks of one loop: one at a time has it, from acquire() to release(), and those who wait
/// get it in the order in which they came. Any task may release it, and a task that has it and acquires it
/// again waits for ever. For the loop's thread. Python: `asyncio.Lock`.
class Lock : public SyncObject {
 public:
  class Acquire;
  using Scoped = detail::AcquireScoped<Lock, Acquire>;

  Lock() noexcept : SyncObject("Lock") {}

  /// True if somebody has it. A lock that was just released for a task that waits is not locked until that
  /// task runs, and yet nobody else gets it.
  [[nodiscard]] bool locked() const noexcept { return locked_; }

  /// Waits until the lock is free and everybody who came earlier has had it, and takes it; if that is so
  /// already, without a pass of the loop. A task that is cancelled meanwhile does not get it.
  /// Python: `lock.acquire`.
  /// @returns true
  [[nodiscard]] Acquire acquire() noexcept;

  /// As acquire(), but gives a guard that releases when it goes: `auto held = co_await lock.scoped();`.
  /// Python: `async with lock`.
  [[nodiscard]] Scoped scoped() noexcept;

  /// Gives the lock back, to the first who waits, if anybody does. Python: `lock.release`.
  /// @throws std::runtime_error if nobody has it
  void release() {
    todo("2.1", "Lock::release");
  }

 private:
  /// Locks it for the running task, or unlocks it, and notes who has it, for step 7.
  void set_locked(bool locked) noexcept {
    locked_ = locked;
    const detail::TaskBase* const task = locked ? detail::TaskBase::current() : nullptr;
    set_holder(task ? task->number() : 0);
  }

  bool locked_ = false;
  WaitQueue waiters_{*this};
};

/// The awaiter of `co_await lock.acquire()`.
class Lock::Acquire : WaitQueue::Wait {
 public:
  explicit Acquire(Lock& lock) noexcept : Wait(lock.waiters_), lock_(lock) {}

  bool await_ready() noexcept {
    todo("2.1", "Acquire::await_ready");
  }
  using Wait::await_suspend;

  /// @throws CancelledError if the task was cancelled
  bool await_resume() {
    todo("2.1", "Acquire::await_resume");
  }

 private:
  Lock& lock_;
};

inline Lock::Acquire Lock::acquire() noexcept { return Acquire(*this); }
inline Lock::Scoped Lock::scoped() noexcept { return Scoped(*this); }

}  // namespace asyncio
