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
    // <exercise 1.1 Countdown::resume>
    if (where_ == Where::at_the_yield) --from_;
    if (from_ > 0) {
      yielded_ = from_;
      where_ = Where::at_the_yield;
    } else {
      where_ = Where::at_the_end;
    }
    // </exercise>
  }

  [[nodiscard]] bool done() const noexcept {
    // <exercise 1.1 Countdown::done>
    return where_ == Where::at_the_end;
    // </exercise>
  }

  /// Returns the value of the last `co_yield`.
  [[nodiscard]] int value() const noexcept {
    // <exercise 1.1 Countdown::value>
    return yielded_;
    // </exercise>
  }

 private:
  int from_;
  // <exercise 1.1 members Countdown>
  enum class Where : std::uint8_t { at_the_start, at_the_yield, at_the_end };

  int yielded_ = 0;
  Where where_ = Where::at_the_start;
  // </exercise>
};

}  // namespace asyncio
