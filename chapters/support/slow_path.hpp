#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "coro.hpp"

namespace asyncio::detail {

/// The part of an awaiter that waits in a coroutine, which begins only if there is a need to wait: so the
/// usual case needs no frame.
template <class T>
class SlowPath {
 public:
  SlowPath() = default;
  /// Moves nothing: an awaiter is moved only before it is awaited.
  SlowPath(SlowPath&&) noexcept {}

  /// Lets `waiting` await the coroutine. For await_suspend().
  template <class Promise>
  std::coroutine_handle<> begin(Coro<T> coro, std::coroutine_handle<Promise> waiting) {
    return awaited_.emplace(std::move(coro)).awaiter.await_suspend(waiting);
  }

  /// True if it has begun.
  explicit operator bool() const noexcept { return awaited_.has_value(); }

  /// Returns the result of the coroutine. For await_resume().
  T result() { return awaited_->awaiter.await_resume(); }

 private:
  struct Awaited {
    explicit Awaited(Coro<T> coro) : awaiter(std::move(coro).operator co_await()) {}
    decltype(std::declval<Coro<T>>().operator co_await()) awaiter;
  };

  std::optional<Awaited> awaited_;
};

}  // namespace asyncio::detail
