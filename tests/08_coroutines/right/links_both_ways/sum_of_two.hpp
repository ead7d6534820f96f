#pragma once

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
/// A loop over the two numbers takes the place of two locals.
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
    try {
      for (; numbers_ < 2; ++numbers_, waits_ = false) {
        if (!waits_ && !source_.await_ready()) {
          waits_ = true;
          source_.await_suspend(Handle(*this));
          return;
        }
        sum_ += source_.await_resume();
      }
    } catch (...) {
      error_ = std::current_exception();
      numbers_ = 2;
    }
  }

  [[nodiscard]] bool done() const noexcept { return numbers_ == 2; }

  /// Returns what it has ended with, or throws that. Not before it is done().
  [[nodiscard]] int result() const {
    if (error_) std::rethrow_exception(error_);
    return sum_;
  }

 private:
  Source& source_;
  int numbers_ = 0;
  bool waits_ = false;
  int sum_ = 0;
  std::exception_ptr error_;
};

}  // namespace asyncio
