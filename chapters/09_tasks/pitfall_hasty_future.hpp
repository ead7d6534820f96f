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
    todo("9.1", "HastyFuture::set_result");
  }

  /// True if it has a number.
  [[nodiscard]] bool done() const {
    todo("9.1", "HastyFuture::done");
  }

  [[nodiscard]] bool await_ready() const { return done(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    todo("9.1", "HastyFuture::await_suspend");
  }
  [[nodiscard]] int await_resume() const {
    todo("9.1", "HastyFuture::await_resume");
  }

 private:
  // For 9.1: members of your choice.
};

}  // namespace asyncio
