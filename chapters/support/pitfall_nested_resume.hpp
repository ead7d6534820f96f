#pragma once

#include <coroutine>
#include <utility>

#include "coro.hpp"

namespace asyncio {

/// Awaits a Coro the obvious way, with calls of resume(), and stands here to be measured beside an await that
/// transfers. It is wrong on purpose: each await takes stack, and keeps it until all is over. And it goes on
/// as soon as the inner coroutine stops, which need not be its end. Do not use it.
class NestedResume {
 public:
  explicit NestedResume(Coro<int> inner) noexcept : inner_(std::move(inner)) {}

  static bool await_ready() noexcept { return false; }

  void await_suspend(std::coroutine_handle<> waiting) {
    inner_.handle().resume();
    waiting.resume();
  }

  int await_resume() { return inner_.outcome().take(); }

 private:
  Coro<int> inner_;
};

}  // namespace asyncio
