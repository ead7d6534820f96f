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

/// A future of what `inner` ends with, whose cancellation stops there.
template <class T>
Future<T> shield_future(Future<T> inner) {
  // TODO 2.1: If inner is done(), return it. Otherwise create an outer future of its loop.
  // When inner is done, and outer is not: if inner was cancelled(), cancel() outer; if it has an exception(),
  // that is the outer's; otherwise nothing for void, or let set_result_of() end it with inner's result(), of
  // an rvalue. If outer is done by then, nobody has looked at what inner ended with, and you do not either.
  // Return outer.
  todo("2.1", "shield_future");
}

}  // namespace detail

/// Awaits `awaitable`, and does not cancel it when whoever awaits this is cancelled: it runs on. Its own
/// cancellation is passed on. Python: `asyncio.shield`.
/// @returns a Future of its result
template <Awaitable A>
auto shield(A&& awaitable) {
  return detail::shield_future(ensure_future(std::forward<A>(awaitable)));
}

}  // namespace asyncio
