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

namespace detail {

/// True if an A can be awaited. If not, it fails to compile right here, and says what to mend.
template <class A>
constexpr bool can_be_awaited() {
  constexpr bool function = requires(A && fn) {
    { std::forward<A>(fn)() } -> Awaitable;
  };
  constexpr bool coro_with_name =
      !Awaitable<A> && std::is_lvalue_reference_v<A> && Awaitable<std::remove_cvref_t<A>>;
  static_assert(!function || Awaitable<A>,
                "this is a function: call it, and give what it returns, as in run(main())");
  static_assert(!coro_with_name,
                "a Coro that has a name, because it can be awaited once, is given as std::move(coro)");
  static_assert(Awaitable<A> || function || coro_with_name,
                "this needs something that can be awaited: a Coro, a Future or a Task");
  return Awaitable<A>;
}

}  // namespace detail

}  // namespace asyncio
