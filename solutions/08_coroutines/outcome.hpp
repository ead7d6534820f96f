#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "todo.hpp"

namespace asyncio {

/// What a coroutine has ended with: a value, a reference or nothing, as `T` says, or an exception. Before
/// that, it is empty.
template <class T>
class Outcome {
  static_assert(!std::is_rvalue_reference_v<T>,
                "a result that is an rvalue reference would refer to something that is gone: return a value");

  /// A reference is kept as a pointer, and void as something without content.
  struct Nothing {};
  using Kept = std::conditional_t<std::is_void_v<T>, Nothing,
                                  std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

 public:
  /// Keeps what a T is made from: for a reference an lvalue, for void nothing at all.
  template <class... Value>
  void set_value(Value&&... value) {
    static_assert(!std::is_reference_v<T> || (std::is_lvalue_reference_v<Value> && ...),
                  "a result that is a reference must refer to something that outlives the coroutine, not to "
                  "a temporary or a local variable");
    // <exercise 4.1 Outcome::set_value> If T is a reference, emplace the value's address. Otherwise emplace a
    // Kept that is made from the value, forwarded. (As kept_.emplace<value_index>(…), for T may be anything.)
    if constexpr (std::is_reference_v<T>)
      kept_.template emplace<value_index>(std::addressof(value)...);
    else
      kept_.template emplace<value_index>(std::forward<Value>(value)...);
    // </exercise>
  }

  void set_exception(std::exception_ptr error) noexcept {
    kept_.template emplace<error_index>(std::move(error));
  }

  [[nodiscard]] bool empty() const noexcept { return kept_.index() == 0; }

  /// The exception; null if there is none.
  [[nodiscard]] std::exception_ptr exception() const noexcept {
    const auto* const error = std::get_if<error_index>(&kept_);
    return error ? *error : nullptr;
  }

  /// The value where it is, or throws the exception. Not if it is empty.
  std::add_lvalue_reference_t<std::add_const_t<T>> get() const {
    if (const auto* const error = std::get_if<error_index>(&kept_)) std::rethrow_exception(*error);
    if constexpr (std::is_reference_v<T>)
      return **std::get_if<value_index>(&kept_);
    else if constexpr (!std::is_void_v<T>)
      return *std::get_if<value_index>(&kept_);
  }

  /// Moves the value out, or throws the exception. Not if it is empty.
  T take() {
    // <exercise 4.2 Outcome::take> If there is an exception, rethrow it. Otherwise return what is kept: of a
    // void nothing, of a reference what the pointer points to, and anything else moved.
    if (const auto* const error = std::get_if<error_index>(&kept_)) std::rethrow_exception(*error);
    if constexpr (std::is_reference_v<T>)
      return **std::get_if<value_index>(&kept_);
    else if constexpr (!std::is_void_v<T>)
      return std::move(*std::get_if<value_index>(&kept_));
    // </exercise>
  }

 private:
  static constexpr std::size_t value_index = 1;
  static constexpr std::size_t error_index = 2;

  std::variant<std::monostate, Kept, std::exception_ptr> kept_;
};

/// The part of a promise that keeps what the coroutine ends with: `co_return value`, `co_return`, or what is
/// thrown. A promise may have return_value() or return_void(), but not both.
template <class T>
struct ReturnValueMixin {
  Outcome<T> outcome;

  template <class Value = T>
  requires std::convertible_to<Value&&, T>
  void return_value(Value&& value) { outcome.set_value(std::forward<Value>(value)); }
  void unhandled_exception() noexcept { outcome.set_exception(std::current_exception()); }
};

template <>
struct ReturnValueMixin<void> {
  Outcome<void> outcome;

  void return_void() { outcome.set_value(); }
  void unhandled_exception() noexcept { outcome.set_exception(std::current_exception()); }
};

}  // namespace asyncio
