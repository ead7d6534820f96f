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
  // <exercise 3.4 cancel_and_wait> If the future is not done(), cancel() it, and await that it is done: not
  // itself, for whoever is cancelled meanwhile would cancel it again, but a future of the running loop that a
  // DoneListener sets. If it is cancelled() then, throw a TimeoutError. In all other cases return its
  // result(), moved.
  if (!future.done()) {
    Future<> ended = get_running_loop().create_future();
    const DoneListener listener(future, [&](const AnyFuture&) {
      if (!ended.done()) ended.set_result();
    });
    future.cancel();
    co_await ended;
    if (future.cancelled()) throw TimeoutError("the time is over");
  }
  co_return std::move(future).result();
  // </exercise>
}

/// Does what wait_for() does.
template <class A>
Coro<AwaitedValue<A>> await_at_most(A awaitable, std::optional<concurrent::AnyDuration> delay) {
  // <exercise 3.5 await_at_most> With a delay of 0 or less, ensure_future() of the awaitable, moved, and
  // return what you await of cancel_and_wait(). Otherwise return what you await of a timeout() of the delay,
  // whose body awaits the awaitable, moved: as_coro() makes a Coro of it.
  if (delay && *delay <= Duration::zero())
    co_return co_await cancel_and_wait(ensure_future(std::move(awaitable)));
  co_return co_await timeout(delay, [&] { return as_coro<A>(std::move(awaitable)); });
  // </exercise>
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
