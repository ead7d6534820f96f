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
    todo("2.1", "SumOfTwo::resume");
  }

  [[nodiscard]] bool done() const noexcept {
    todo("2.1", "SumOfTwo::done");
  }

  /// Returns what it has ended with, or throws that. Not before it is done().
  [[nodiscard]] int result() const {
    todo("2.1", "SumOfTwo::result");
  }

 private:
  Source& source_;
  // For 2.1: members of SumOfTwo.
};

}  // namespace asyncio
