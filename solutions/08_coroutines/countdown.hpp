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
/// This is the coroutine's frame: the parameter, where to go on, and what was yielded last.
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

  [[nodiscard]] bool done() const noexcept { return where_ == Where::at_the_end; }

  /// Returns the value of the last `co_yield`.
  [[nodiscard]] int value() const noexcept { return yielded_; }

 private:
  // A suggestion. All of it is yours to change: the tests see only what is public.
  enum class Where : std::uint8_t { at_the_start, at_the_yield, at_the_end };

  int from_;
  int yielded_ = 0;
  Where where_ = Where::at_the_start;
};

}  // namespace asyncio
