#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include "cancelled_error.hpp"
#include "sync_object.hpp"
#include "task.hpp"
#include "todo.hpp"
#include "wait_reason.hpp"

namespace asyncio {

/// Tasks that wait for the same thing, the first to come at the front: what all of this chapter is built on.
/// A task stands in it from `co_await queue.wait()` until it runs again, also when it has been woken already,
/// and also when it was cancelled meanwhile. For the loop's thread. Python: a deque of futures.
class WaitQueue {
  class Waiter;

 public:
  class Wait;

  /// @param owner what the tasks wait for, which has this queue
  /// @param part the side of it, as in "get", or nothing
  explicit WaitQueue(SyncObject& owner, const char* part = "") noexcept : owner_(owner), part_(part) {}
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  inline ~WaitQueue();

  /// Lets a task wait: `co_await queue.wait()` returns when it was woken.
  [[nodiscard]] inline Wait wait() noexcept;

  /// True if nobody stands in it, but for those who were cancelled while they waited.
  [[nodiscard]] inline bool empty() const noexcept;

  /// Wakes the one at the front, unless it was woken or cancelled already.
  inline void wake_first() noexcept;

  /// Wakes the first who are neither woken nor cancelled yet, as many as there are, but not more than `most`.
  /// They run in the loop's next pass, in their order. @returns how many
  inline std::size_t wake(std::size_t most) noexcept;

 private:
  inline void push(Waiter& waiter) noexcept;
  inline void remove(Waiter& waiter) noexcept;

  SyncObject& owner_;
  const char* const part_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  // All before it were woken or cancelled: n wake-ups look at n waiters, not at n².
  Waiter* asleep_ = nullptr;
};

// <exercise 8.1 members WaitQueue>
/// A task in the queue: the future that it waits for. It is a link of the queue itself, and stands in the
/// frame of the coroutine that waits, so that waiting allocates nothing. Nobody else has a reference to it.
class WaitQueue::Waiter final : public detail::FutureCell<void>, public WaitReason {
 public:
  Waiter(WaitQueue& queue, detail::TaskRegistry& tasks) noexcept
      : FutureCell(tasks), WaitReason(queue.owner_, queue.part_), queue_(&queue) {
    queue.push(*this);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() override { leave(); }

  [[nodiscard]] bool woken() const noexcept { return state() == detail::State::finished; }
  [[nodiscard]] bool cancelled() const noexcept { return state() == detail::State::cancelled; }
  void wake() noexcept { complete(detail::State::finished); }

  /// Takes it out of the queue, if it is still in there.
  void leave() noexcept {
    if (WaitQueue* const queue = std::exchange(queue_, nullptr)) queue->remove(*this);
  }

 private:
  friend class WaitQueue;

  WaitQueue* queue_;  // null if it has left, or the queue is gone
  Waiter* previous_ = nullptr;
  Waiter* next_ = nullptr;
};

/// The awaiter of `co_await queue.wait()`. It may be moved before it is awaited.
class WaitQueue::Wait {
 public:
  explicit Wait(WaitQueue& queue) noexcept : queue_(queue) {}
  Wait(Wait&& other) noexcept : queue_(other.queue_) {}

  static bool await_ready() noexcept { return false; }

  /// Lets the running task wait in the queue, at the end.
  /// @throws std::runtime_error outside of a task, and if another loop's tasks have waited there
  void await_suspend(std::coroutine_handle<> waiting) {
    detail::TaskBase& task = detail::TaskBase::running();
    queue_.owner_.bind(task.tasks());
    task_ = &task;
    waiter_.emplace(queue_, task.tasks());
    task.wait_for(*waiter_, waiting);
  }

  /// @throws CancelledError if the task was cancelled, even if it had been woken before
  void await_resume() {
    waiter_->leave();
    task_->throw_if_cancelled();
    if (waiter_->cancelled()) throw CancelledError();
  }

  /// True once it has begun to wait.
  [[nodiscard]] bool has_waited() const noexcept { return waiter_.has_value(); }
  /// True if somebody has woken it.
  [[nodiscard]] bool woken() const noexcept { return waiter_ && waiter_->woken(); }

 private:
  WaitQueue& queue_;
  detail::TaskBase* task_ = nullptr;
  std::optional<Waiter> waiter_;  // in the coroutine's frame
};

inline WaitQueue::~WaitQueue() {
  for (Waiter* waiter = first_; waiter; waiter = waiter->next_) waiter->queue_ = nullptr;
}

inline WaitQueue::Wait WaitQueue::wait() noexcept { return Wait(*this); }

inline bool WaitQueue::empty() const noexcept {
  const Waiter* waiter = first_;
  while (waiter && waiter->cancelled()) waiter = waiter->next_;
  return !waiter;
}

inline void WaitQueue::wake_first() noexcept {
  if (first_ && !first_->done()) first_->wake();
}

inline std::size_t WaitQueue::wake(std::size_t most) noexcept {
  std::size_t woken = 0;
  for (; asleep_ && woken < most; asleep_ = asleep_->next_) {
    if (asleep_->done()) continue;
    asleep_->wake();
    ++woken;
  }
  return woken;
}

inline void WaitQueue::push(Waiter& waiter) noexcept {
  waiter.previous_ = last_;
  (last_ ? last_->next_ : first_) = &waiter;
  last_ = &waiter;
  if (!asleep_) asleep_ = &waiter;
}

inline void WaitQueue::remove(Waiter& waiter) noexcept {
  (waiter.previous_ ? waiter.previous_->next_ : first_) = waiter.next_;
  (waiter.next_ ? waiter.next_->previous_ : last_) = waiter.previous_;
  if (asleep_ == &waiter) asleep_ = waiter.next_;
}
// </exercise>

}  // namespace asyncio
