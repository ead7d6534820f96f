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

/// The time is over before it has begun. What is not done is cancelled, and awaited.
template <class T>
Coro<T> cancel_and_wait(Future<T> future) {
  // TODO 3.4: If the future is not done(), cancel() it, and await that it is done: not
  // itself, for whoever is cancelled meanwhile would cancel it again, but a future of the running loop that a
  // DoneListener sets. If it is cancelled() then, throw a TimeoutError. In all other cases return its
  // result(), moved.
  todo("3.4", "cancel_and_wait");
}

/// Does what wait_for() does.
template <class A>
Coro<AwaitedValue<A>> await_at_most(A awaitable, std::optional<concurrent::AnyDuration> delay) {
  // TODO 3.5: With a delay of 0 or less, ensure_future() of the awaitable, moved, and
  // return what you await of cancel_and_wait(). Otherwise return what you await of a timeout() of the delay,
  // whose body awaits the awaitable, moved: as_coro() makes a Coro of it.
  todo("3.5", "await_at_most");
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
