#pragma once

#include <coroutine>
#include <utility>

#include "coro.hpp"
#include "todo.hpp"

namespace asyncio {

/// Awaits a Coro the obvious way, with calls of resume(). It is wrong on purpose: each await takes stack, and
/// keeps it until all is over. Do not use it.
class NestedResume {
 public:
  explicit NestedResume(Coro<int> inner) noexcept : inner_(std::move(inner)) {}

  static bool await_ready() noexcept { return false; }

  void await_suspend(std::coroutine_handle<> waiting) {
    // TODO 8.1: resume() the handle() of the inner_ coroutine, which runs to
    // its end. Then resume() the one that is waiting. Return nothing.
    todo("8.1", "NestedResume::await_suspend");
  }

  int await_resume() { return inner_.outcome().take(); }

 private:
  Coro<int> inner_;
};

}  // namespace asyncio
