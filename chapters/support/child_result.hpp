#pragma once

#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include "outcome.hpp"
#include "task.hpp"

namespace asyncio::detail {

/// The type of the result of a child: std::monostate if it gives nothing.
template <class T>
using Gathered = std::conditional_t<std::is_void_v<T>, std::monostate, std::remove_cvref_t<T>>;

/// The result of a child that has one: moved if it cannot be copied.
template <class T>
Gathered<T> result_of(FutureBase& child) {
  if constexpr (std::is_void_v<T>)
    return {};  // of whatever type it is: it has not failed
  else if constexpr (is_copyable<T>)
    return child.outcome<T>().get();
  else
    return child.outcome<T>().take();
}

/// Returns the outcome of a child, whatever it is.
template <class T>
Outcome<T> outcome_of(FutureBase& child) {
  Outcome<T> outcome;
  if (child.state() == State::cancelled) {
    outcome.set_exception(std::make_exception_ptr(CancelledError()));
  } else if constexpr (std::is_void_v<T>) {
    if (child.error())
      outcome.set_exception(child.error());
    else
      outcome.set_value();
  } else if constexpr (is_copyable<T>) {
    outcome = child.outcome<T>();
  } else {
    outcome = std::move(child.outcome<T>());
  }
  return outcome;
}

}  // namespace asyncio::detail
