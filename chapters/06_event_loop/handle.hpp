#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <typeinfo>
#include <utility>

#include "loop_time.hpp"
#include "todo.hpp"

namespace asyncio {
namespace detail {

/// A callback that a loop is going to call. A queue of the loop and the handles share it. A suggestion, too:
/// the tests see only what is public in Handle and EventLoop.
struct Call {
  std::move_only_function<void()> fn;  // with its arguments
  const std::type_info& type;          // of the function, for messages
  const bool from_any_thread = false;  // it came through call_soon_threadsafe()
  const TimePoint when{};              // at which it is due, if it is a timer
  std::atomic<bool> cancelled = false;
};

}  // namespace detail

/// A callback that a loop is going to call. It is copied and moved like a pointer, and letting it go cancels
/// nothing. Only the loop's thread may use it or destroy it, unless it came from call_soon_threadsafe(): then
/// any thread may, each its own copy. Python: `asyncio.Handle`.
class Handle {
 public:
  /// Makes a handle of nothing.
  Handle() = default;

  /// The callback will not be called, even if it is ready to run in this very pass, and it is destroyed: at
  /// once, or by the loop if the handle came from call_soon_threadsafe(). If it has run already, nothing
  /// happens to it.
  void cancel() noexcept {
    if (!call_) return;
    call_->cancelled = true;
    todo("2.1", "Handle::cancel");
  }

  /// True if cancel() was called.
  [[nodiscard]] bool cancelled() const noexcept { return call_ && call_->cancelled; }

  /// True if it is a handle of something.
  explicit operator bool() const noexcept { return bool(call_); }

 protected:
  friend class EventLoop;
  explicit Handle(std::shared_ptr<detail::Call> call) noexcept : call_(std::move(call)) {}

  std::shared_ptr<detail::Call> call_;
};

/// A Handle of something that is called at a certain time. Python: `asyncio.TimerHandle`.
class TimerHandle : public Handle {
 public:
  TimerHandle() = default;

  /// The time at which it is due, on the clock of loop.time(). Not of a handle of nothing.
  [[nodiscard]] TimePoint when() const noexcept { return call_->when; }

 private:
  friend class EventLoop;
  using Handle::Handle;
};

}  // namespace asyncio
