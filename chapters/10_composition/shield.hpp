#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "awaitable.hpp"
#include "cancelled_error.hpp"
#include "done_listener.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio {

namespace detail {

/// The future of a shield. It ends as another does, the inner one, unless it is cancelled before.
template <class T>
class ShieldState final : public FutureCell<T> {
 public:
  using FutureCell<T>::FutureCell;

  /// Begins to watch `inner`, which is pending.
  void watch(Future<T> inner) {
    todo("2.1", "ShieldState::watch");
  }

  /// Cancels this, and leaves the inner one alone. @returns false if it is done already
  bool request_cancel() override {
    todo("2.1", "ShieldState::request_cancel");
  }

  void destroy() noexcept override {
    this->report_unless_retrieved("Future exception was never retrieved");
    std::destroy_at(this);
  }

 private:
  // For 2.1: members of ShieldState.
};

/// Returns a new future of the loop of `inner`, which is pending: a shield that watches it.
template <class T>
Future<T> new_shield(Future<T> inner) {
  EventLoop& loop = inner.get_loop();
  auto outer = loop.nodes().make<ShieldState<T>>(loop.use_service<TaskRegistry>());
  outer->watch(std::move(inner));
  return Future<T>(std::move(outer));
}

/// A future of what `inner` ends with, whose cancellation stops there.
template <class T>
Future<T> shield_future(Future<T> inner) {
  todo("2.1", "shield_future");
}

}  // namespace detail

/// Awaits `awaitable`, and does not cancel it when whoever awaits this is cancelled: it runs on. Its own
/// cancellation is passed on. Python: `asyncio.shield`.
/// @returns a Future of its result
template <class A>
auto shield(A&& awaitable) {
  if constexpr (detail::can_be_awaited<A>())
    return detail::shield_future(ensure_future(std::forward<A>(awaitable)));
}

}  // namespace asyncio
