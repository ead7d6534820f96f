#pragma once

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <deque>
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
 public:
  class Wait;

  /// @param owner what the tasks wait for, which has this queue
  /// @param part the side of it, as in "get", or nothing
  explicit WaitQueue(SyncObject& owner, const char* part = "") noexcept : owner_(owner), part_(part) {}
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  /// Those who still stand in it wait on, and do not touch it any more.
  ~WaitQueue() {
    // 1.1, WaitQueue::~WaitQueue: empty until step 1.
  }

  /// Lets a task wait: `co_await queue.wait()` returns when it was woken.
  [[nodiscard]] inline Wait wait() noexcept;

  /// True if nobody stands in it, but for those who were cancelled while they waited.
  [[nodiscard]] bool empty() const noexcept {
    todo("1.1", "WaitQueue::empty");
  }

  /// Wakes the first who are neither woken nor cancelled yet, as many as there are, but not more than `most`.
  /// They run in the loop's next pass, in their order. @returns how many
  std::size_t wake(std::size_t most) noexcept {
    todo("1.1", "WaitQueue::wake");
  }

  // For 2.1: members of WaitQueue.

 private:
  // A suggestion. All of it is yours to change: the tests see only what is public.

  /// A task in the queue: the future that it waits for.
  class Waiter final : public detail::FutureCell<void>, public WaitReason {
   public:
    Waiter(WaitQueue& in, detail::TaskRegistry& tasks) noexcept
        : FutureCell(tasks), WaitReason(in.owner_, in.part_) {}

    [[nodiscard]] bool cancelled() const noexcept { return state() == detail::State::cancelled; }
    void wake() noexcept { complete(detail::State::finished); }
    void destroy() noexcept override { std::destroy_at(this); }

    // For 1.1: members of Waiter.
  };

  // For 1.1: members of WaitQueue.
  SyncObject& owner_;
  const char* const part_;
};

/// The awaiter of `co_await queue.wait()`. It may be moved before it is awaited.
class WaitQueue::Wait {
 public:
  explicit Wait(WaitQueue& queue) noexcept : queue_(queue) {}
  Wait(Wait&& other) noexcept : queue_(other.queue_) {}
  ~Wait() { leave(); }

  static bool await_ready() noexcept { return false; }

  /// Lets the running task wait in the queue, at the end.
  /// @throws std::runtime_error outside of a task, and if another loop's tasks have waited there
  void await_suspend(std::coroutine_handle<> waiting) {
    detail::TaskBase& task = detail::TaskBase::running();
    queue_.owner_.bind(task.tasks());
    waiter_ = get_running_loop().nodes().make<Waiter>(queue_, task.tasks());
    task_ = &task;
    enter();
    task.wait_for(*waiter_, waiting);
  }

  /// @throws CancelledError if the task was cancelled, even if it had been woken before
  void await_resume() {
    todo("1.1", "Wait::await_resume");
  }

  /// True once it has begun to wait.
  [[nodiscard]] bool has_waited() const noexcept { return bool(waiter_); }
  /// True if somebody has woken it.
  [[nodiscard]] bool woken() const noexcept { return waiter_ && waiter_->state() == detail::State::finished; }

 private:
  /// From now on `waiter_` stands in the queue. @throws std::bad_alloc, and then it does not
  void enter() {
    todo("1.1", "Wait::enter");
  }

  /// From now on it does not, if it did. A loop that is closed destroys coroutines where they wait.
  void leave() noexcept {
    // 1.1, Wait::leave: empty until step 1.
  }

  WaitQueue& queue_;
  detail::TaskBase* task_ = nullptr;
  Ref<Waiter> waiter_;  // null until it waits
};

inline WaitQueue::Wait WaitQueue::wait() noexcept { return Wait(*this); }

}  // namespace asyncio
