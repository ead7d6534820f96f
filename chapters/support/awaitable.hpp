#pragma once

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace asyncio {

/// The object that `co_await` talks to: it says whether there is a need to wait, is told who waits, and gives
/// the result.
template <class A>
concept Awaiter = requires(A& awaiter, std::coroutine_handle<> waiting) {
  { awaiter.await_ready() } -> std::convertible_to<bool>;
  awaiter.await_suspend(waiting);
  awaiter.await_resume();
};

namespace detail {

/// Returns the object that `co_await std::forward<A>(awaitable)` talks to.
template <class A>
decltype(auto) awaiter_of(A&& awaitable) {
  if constexpr (requires { std::forward<A>(awaitable).operator co_await(); })
    return std::forward<A>(awaitable).operator co_await();
  else if constexpr (requires { operator co_await(std::forward<A>(awaitable)); })
    return operator co_await(std::forward<A>(awaitable));
  else
    return std::forward<A>(awaitable);
}

}  // namespace detail

/// Anything that can be awaited. Python: `collections.abc.Awaitable`.
template <class A>
concept Awaitable = requires(A&& awaitable) {
  { detail::awaiter_of(std::forward<A>(awaitable)) } -> Awaiter;
};

/// The type that `co_await` of an A gives.
template <Awaitable A>
using await_result_t = decltype(detail::awaiter_of(std::declval<A>()).await_resume());

}  // namespace asyncio
