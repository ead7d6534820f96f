#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "awaitable.hpp"
#include "done_listener.hpp"
#include "task.hpp"
#include "timeout.hpp"
#include "todo.hpp"

namespace asyncio {

namespace detail {

/// The type that awaiting an A gives, as a value of its own.
template <class A>
using AwaitedValue = std::remove_cvref_t<await_result_t<A>>;

/// Does what wait_for() does.
template <class A>
Coro<AwaitedValue<A>> await_at_most(A awaitable, std::optional<concurrent::AnyDuration> delay) {
  todo("3.2", "await_at_most");
}

}  // namespace detail

/// Awaits `awaitable`, but no longer than `delay`; then it is cancelled, and awaited until it has really
/// ended. Without a delay, as long as it takes. With one of 0 or less, what is not done is cancelled; of a
/// Coro nothing runs at all. Python: `asyncio.wait_for`.
/// @returns its result, even if it came of the cancellation
/// @throws TimeoutError if it was cancelled for the time; otherwise what it throws
template <class A>
auto wait_for(A&& awaitable, std::optional<concurrent::AnyDuration> delay) {
  if constexpr (detail::can_be_awaited<A>())
    return detail::await_at_most<std::decay_t<A>>(std::forward<A>(awaitable), delay);
}

}  // namespace asyncio
