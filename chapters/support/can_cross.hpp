#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include "archive.hpp"
#include "remote_call.hpp"

namespace concurrent::detail {

/// True if a result of type T can cross to another process. If not, it fails to compile right here.
template <class T>
constexpr bool can_come_back() {
  constexpr bool value = std::is_void_v<T> || Sendable<std::remove_const_t<T>>;
  static_assert(!std::is_reference_v<T>,
                "the function returns a reference: what it refers to lies in another process");
  static_assert(std::is_reference_v<T> || value,
                "the result cannot cross to this process: "
                "it is a pointer, or cereal does not know how to write and read its type");
  return value;
}

/// True if a call can cross to another process. If not, it fails to compile right here, before any other
/// error.
template <class F, class... Args>
constexpr bool can_cross() {
  static_assert(Nameable<F>,
                "a process pool calls functions, and lambdas that capture nothing: "
                "what others carry with them lies in this process");
  static_assert((Sendable<Args> && ...),
                "an argument cannot cross to another process: "
                "it is a pointer, or cereal does not know how to write and read its type");
  if constexpr (Nameable<F> && (Sendable<Args> && ...)) {
    static_assert(std::is_invocable_v<F, Args...>,
                  "the function cannot be called with copies of these arguments: "
                  "copies are what crosses, and a reference that is not const cannot refer to them");
    if constexpr (std::is_invocable_v<F, Args...>) return can_come_back<std::invoke_result_t<F, Args...>>();
  }
  return false;
}

/// The same for a function whose arguments are the parts of a tuple or a pair.
template <class F, class T>
constexpr bool can_cross_tuple(std::type_identity<T>) {
  static_assert(!std::is_same_v<T, T>, "starmap wants tuples or pairs: their parts are the arguments");
  return false;
}
template <class F, class... Args>
constexpr bool can_cross_tuple(std::type_identity<std::tuple<Args...>>) {
  return can_cross<F, Args...>();
}
template <class F, class A, class B>
constexpr bool can_cross_tuple(std::type_identity<std::pair<A, B>>) {
  return can_cross<F, A, B>();
}

}  // namespace concurrent::detail
