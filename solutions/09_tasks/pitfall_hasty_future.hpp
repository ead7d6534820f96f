#pragma once

#include <coroutine>
#include <optional>
#include <utility>
#include <vector>

#include "todo.hpp"

namespace asyncio {

/// A future of a number, without a loop, which any coroutine can await. It is wrong on purpose: who waits for
/// it goes on inside set_result(), in the middle of what the caller does. Do not use it.
class HastyFuture {
 public:
  /// Sets the number, or another one. When it returns, all who waited have gone on.
  void set_result(int result) {
    // <exercise 9.1 HastyFuture::set_result>
    result_ = result;
    // The list is empty before anybody goes on: they may call this themselves.
    for (const std::coroutine_handle<> waiting : std::exchange(waiting_, {})) waiting.resume();
    // </exercise>
  }

  /// True if it has a number.
  [[nodiscard]] bool done() const {
    // <exercise 9.1 HastyFuture::done>
    return result_.has_value();
    // </exercise>
  }

  [[nodiscard]] bool await_ready() const { return done(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    // <exercise 9.1 HastyFuture::await_suspend>
    waiting_.push_back(waiting);
    // </exercise>
  }
  [[nodiscard]] int await_resume() const {
    // <exercise 9.1 HastyFuture::await_resume>
    return *result_;
    // </exercise>
  }

 private:
  // <exercise 9.1 members your choice>
  std::optional<int> result_;
  std::vector<std::coroutine_handle<>> waiting_;
  // </exercise>
};

}  // namespace asyncio
