#pragma once

#include <limits>

#include "coro.hpp"
#include "todo.hpp"
#include "wait_queue.hpp"

namespace asyncio {

namespace detail {

template <class T, class Store>
class BasicQueue;

}  // namespace detail

/// A flag that tasks wait for. For the loop's thread. Python: `asyncio.Event`.
class Event : public SyncObject {
 public:
  Event() noexcept : SyncObject("Event") {}

  [[nodiscard]] bool is_set() const noexcept { return is_set_; }

  /// Sets the flag, and wakes all who wait. Python: `event.set`.
  void set() {
    // <exercise 1.1 Event::set>
    if (is_set_) return;
    is_set_ = true;
    waiters_.wake(std::numeric_limits<std::size_t>::max());
    // </exercise>
  }

  /// Clears the flag: those who come from now on wait. Python: `event.clear`.
  void clear() noexcept { is_set_ = false; }

  class Wait;

  /// Waits until the flag is set; if it is set already, not at all. A task that set() has woken returns even
  /// if the flag has been cleared by then. Python: `event.wait`.
  /// @returns true
  [[nodiscard]] Wait wait() noexcept;

 private:
  template <class T, class Store>
  friend class detail::BasicQueue;

  /// One that is a side of something else, and goes by its name when a hang is explained.
  Event(SyncObject& owner, const char* part) noexcept : SyncObject("Event"), waiters_(owner, part) {}

  bool is_set_ = false;
  WaitQueue waiters_{*this};
};

/// The awaiter of `co_await event.wait()`.
class Event::Wait : public WaitQueue::Wait {
 public:
  explicit Wait(Event& event) noexcept : WaitQueue::Wait(event.waiters_), event_(event) {}

  [[nodiscard]] bool await_ready() const { return event_.is_set(); }

  /// @throws CancelledError if the task was cancelled while it waited
  bool await_resume() {
    if (has_waited()) WaitQueue::Wait::await_resume();
    return true;
  }

 private:
  Event& event_;
};

inline Event::Wait Event::wait() noexcept { return Wait(*this); }

}  // namespace asyncio
