#pragma once

#include <utility>

#include "node_pool.hpp"
#include "operation.hpp"
#include "timer_heap.hpp"

namespace asyncio {

/// A callback that a loop is going to call. It is copied and moved like a pointer, and letting it go cancels
/// nothing. Only the loop's thread may use it or destroy it, unless it came from call_soon_threadsafe(): then
/// any thread may, each its own copy. Python: `asyncio.Handle`.
class Handle {
 public:
  /// Of nothing.
  Handle() = default;
  Handle(const Handle& other) noexcept : node_(other.node_) {
    if (node_) node_->ref();
  }
  Handle(Handle&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Handle() {
    if (node_) NodePool::release(*node_);
  }

  /// The callback will not be called, even if it is ready to run in this very pass, and it is destroyed: at
  /// once, or by the loop if the handle came from call_soon_threadsafe(). If it has run already, nothing
  /// happens to it.
  void cancel() noexcept {
    // TODO 2.1: If there is a node_, cancel() it.
    todo("2.1", "Handle::cancel");
  }

  /// Whether cancel() was called.
  [[nodiscard]] bool cancelled() const noexcept { return node_ && node_->cancelled(); }

  /// Whether it is of something.
  explicit operator bool() const noexcept { return node_; }

  // For what is built on the loop.

  /// Takes over a reference to `node`.
  explicit Handle(Operation& node) noexcept : node_(&node) {}

  /// What it is of; null if it is of nothing.
  [[nodiscard]] Operation* node() const noexcept { return node_; }

 protected:
  Operation* node_ = nullptr;
};

/// A Handle of something that is called at a certain time. Python: `asyncio.TimerHandle`.
class TimerHandle : public Handle {
 public:
  TimerHandle() = default;

  /// When it is due, on the clock of loop.time(). Not of a handle of nothing.
  [[nodiscard]] TimePoint when() const noexcept { return static_cast<const Timer&>(*node_).when(); }

 private:
  friend class EventLoop;
  using Handle::Handle;
};

}  // namespace asyncio
