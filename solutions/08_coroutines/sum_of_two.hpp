#pragma once

#include <cstdint>
#include <exception>

#include "todo.hpp"

namespace asyncio {

/// Writes by hand what the compiler makes of this coroutine, whose Source is an awaiter of numbers:
///
///     Coro<int> sum_of_two(Source& source) {
///       const int first = co_await source;
///       const int second = co_await source;
///       co_return first + second;
///     }
///
/// This is the coroutine's frame, with its promise.
template <class Source>
class SumOfTwo {
 public:
  /// Refers to the frame, as a std::coroutine_handle does.
  class Handle {
   public:
    explicit Handle(SumOfTwo& frame) noexcept : frame_(&frame) {}
    void resume() const { frame_->resume(); }
    [[nodiscard]] bool done() const noexcept { return frame_->done(); }

   private:
    SumOfTwo* frame_;
  };

  explicit SumOfTwo(Source& source) noexcept : source_(source) {}
  SumOfTwo(const SumOfTwo&) = delete;
  SumOfTwo& operator=(const SumOfTwo&) = delete;

  /// Runs until it has to wait for the source, or to its end. Not to be called when it is done(), nor before
  /// the source has what it waits for. Throws nothing: an exception is what it ends with.
  void resume() {
    // <exercise 2.1 SumOfTwo::resume>
    try {
      switch (where_) {
        case Where::at_the_start:
          if (!source_.await_ready()) {
            where_ = Where::at_the_first;  // before anybody hears of it, for then it may go on at once
            return source_.await_suspend(Handle(*this));  // and nothing behind it: this may be gone
          }
          [[fallthrough]];
        case Where::at_the_first:
          first_ = source_.await_resume();
          if (!source_.await_ready()) {
            where_ = Where::at_the_second;
            return source_.await_suspend(Handle(*this));
          }
          [[fallthrough]];
        case Where::at_the_second:
          sum_ = first_ + source_.await_resume();
          break;
        case Where::at_the_end:
          break;
      }
    } catch (...) {
      error_ = std::current_exception();
    }
    where_ = Where::at_the_end;
    // </exercise>
  }

  [[nodiscard]] bool done() const noexcept {
    // <exercise 2.1 SumOfTwo::done>
    return where_ == Where::at_the_end;
    // </exercise>
  }

  /// Returns what it has ended with, or throws that. Not before it is done().
  [[nodiscard]] int result() const {
    // <exercise 2.1 SumOfTwo::result>
    if (error_) std::rethrow_exception(error_);
    return sum_;
    // </exercise>
  }

 private:
  Source& source_;
  // <exercise 2.1 members SumOfTwo>
  enum class Where : std::uint8_t { at_the_start, at_the_first, at_the_second, at_the_end };

  int first_ = 0;
  Where where_ = Where::at_the_start;
  int sum_ = 0;                         // the promise: what it returns
  std::exception_ptr error_ = nullptr;  // the promise: what it throws
  // </exercise>
};

}  // namespace asyncio
