#pragma once

#include <coroutine>
#include <optional>
#include <utility>
#include <vector>

#include "todo.hpp"

namespace asyncio {

/// A future of a number, without a loop. It is wrong on purpose: who waits for it goes on inside
/// set_result(), in the middle of what the caller does. Do not use it.
class HastyFuture {
 public:
  void set_result(int result) {
    todo("9.1", "HastyFuture::set_result");
  }

  [[nodiscard]] bool done() const noexcept { return result_.has_value(); }

  [[nodiscard]] bool await_ready() const noexcept { return done(); }
  void await_suspend(std::coroutine_handle<> waiting) { waiting_.push_back(waiting); }
  [[nodiscard]] int await_resume() const { return *result_; }

 private:
  std::optional<int> result_;
  std::vector<std::coroutine_handle<>> waiting_;
};

}  // namespace asyncio
