#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "awaitable.hpp"
#include "cancelled_error.hpp"
#include "coro.hpp"
#include "outcome.hpp"
#include "safe_body.hpp"

namespace asyncio::detail {

// What stands for Python's `async with`, whose end may wait, as no destructor can: a function that gives the
// part of the coroutine between the beginning and the end.

/// Calls `body(scope)` or, if it takes no parameter, `body()`.
template <class Body, class Scope>
decltype(auto) call_body(Body& body, Scope& scope) {
  if constexpr (std::invocable<Body&, Scope&>)
    return std::invoke(body, scope);
  else
    return std::invoke(body);
}

/// A function that gives something to await, of a Scope or of nothing.
template <class Body, class Scope>
concept ScopeBody =
    (std::invocable<Body&, Scope&> ||
     std::invocable<Body&>)&&Awaitable<decltype(call_body(std::declval<Body&>(), std::declval<Scope&>()))>;

/// True if a Body is the part of such a function. If not, it fails to compile right here, and says what to
/// mend.
template <class Body, class Scope>
constexpr bool can_be_part() {
  using Kept = std::decay_t<Body>;
  constexpr bool callable = std::invocable<Kept&, Scope&> || std::invocable<Kept&>;
  static_assert(callable,
                "the part is a function of nothing, or of a reference to what limits it: write "
                "`[&]() -> Coro<> { … }`, or give it a parameter `Timeout& limit`, `TaskGroup& group`");
  static_assert(!callable || ScopeBody<Kept, Scope>,
                "the part must return a Coro, or something else that can be awaited: write `-> Coro<>`");
  static_assert(
      is_safe_body<Body>,
      "this g++ destroys captures of such a lambda twice: give the lambda a name, and pass that; or "
      "capture by reference");
  return ScopeBody<Kept, Scope> && is_safe_body<Body>;
}

/// The type that awaiting that gives.
template <class Body, class Scope>
using ScopeResult = await_result_t<decltype(call_body(std::declval<Body&>(), std::declval<Scope&>()))>;

/// Awaits the body, and gives what it ends with, whatever that is.
template <class Body, class Scope>
Coro<Outcome<ScopeResult<Body, Scope>>> outcome_of_scope(Body& body, Scope& scope) {
  Outcome<ScopeResult<Body, Scope>> outcome;
  try {
    if constexpr (std::is_void_v<ScopeResult<Body, Scope>>) {
      co_await call_body(body, scope);
      outcome.set_value();
    } else {
      outcome.set_value(co_await call_body(body, scope));
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  co_return outcome;
}

/// True if it is a CancelledError.
inline bool is_cancelled(const std::exception_ptr& error) {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace asyncio::detail
