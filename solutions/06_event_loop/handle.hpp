#pragma once

#include <utility>

#include "operation.hpp"
#include "ref.hpp"
#include "timer_heap.hpp"
#include "todo.hpp"

namespace asyncio {

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
    // <exercise 2.1 Handle::cancel>
    if (node_) node_->cancel();
    // </exercise>
  }

  /// True if cancel() was called.
  [[nodiscard]] bool cancelled() const noexcept { return node_ && node_->cancelled(); }

  /// True if it is a handle of something.
  explicit operator bool() const noexcept { return bool(node_); }

  // For what is built on the loop.

  /// Makes a handle of `node`.
  explicit Handle(Ref<Operation> node) noexcept : node_(std::move(node)) {}

  /// Returns what it is a handle of; null for nothing.
  [[nodiscard]] Operation* node() const noexcept { return node_.get(); }

 protected:
  Ref<Operation> node_;
};

/// A Handle of something that is called at a certain time. Python: `asyncio.TimerHandle`.
class TimerHandle : public Handle {
 public:
  TimerHandle() = default;

  /// The time at which it is due, on the clock of loop.time(). Not of a handle of nothing.
  [[nodiscard]] TimePoint when() const noexcept { return static_cast<const Timer&>(*node_).when(); }

 private:
  friend class EventLoop;
  using Handle::Handle;
};

}  // namespace asyncio
