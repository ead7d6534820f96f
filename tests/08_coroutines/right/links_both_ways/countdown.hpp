#pragma once

#include "todo.hpp"

namespace asyncio {

/// Writes by hand what the compiler makes of this coroutine:
///
///     Generator<int> countdown(int from) {
///       while (from > 0) {
///         co_yield from;
///         --from;
///       }
///     }
///
/// This is the coroutine's frame: the parameter, where to go on, and what was yielded last.
class Countdown {
 public:
  explicit Countdown(int from) noexcept : left_(from) {}

  /// Runs to the next `co_yield`, or to the end. Not to be called when it is done().
  void resume() {
    if (started_) --left_;
    started_ = true;
    if (left_ > 0)
      yielded_ = left_;
    else
      ended_ = true;
  }

  [[nodiscard]] bool done() const noexcept { return ended_; }

  /// Returns the value of the last `co_yield`.
  [[nodiscard]] int value() const noexcept { return yielded_; }

 private:
  int left_;
  int yielded_ = 0;
  bool started_ = false;
  bool ended_ = false;
};

}  // namespace asyncio
