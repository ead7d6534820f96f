#pragma once

#include <cstdint>

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
/// This is the coroutine's frame.
class Countdown {
 public:
  explicit Countdown(int from) noexcept : from_(from) {}

  /// Runs to the next `co_yield`, or to the end. Not to be called when it is done().
  void resume() {
    todo("1.1", "Countdown::resume");
  }

  [[nodiscard]] bool done() const noexcept {
    todo("1.1", "Countdown::done");
  }

  /// Returns the value of the last `co_yield`.
  [[nodiscard]] int value() const noexcept {
    todo("1.1", "Countdown::value");
  }

 private:
  int from_;
  // For 1.1: members of Countdown.
};

}  // namespace asyncio
