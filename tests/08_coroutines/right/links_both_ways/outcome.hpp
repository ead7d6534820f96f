#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "todo.hpp"

namespace asyncio {

/// The end of a coroutine: a value, a reference or nothing, as `T` says, or an exception. Before that, it is
/// empty.
template <class T>
class Outcome {
  static_assert(!std::is_rvalue_reference_v<T>,
                "a result that is an rvalue reference would refer to something that is gone: return a value");

  /// A reference is kept as a pointer, and void as something without content.
  struct Nothing {};
  using Kept = std::conditional_t<
      std::is_void_v<T>, Nothing,
      std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::remove_const_t<T>>>;

 public:
  void set_exception(std::exception_ptr error) noexcept { error_ = std::move(error); }
  [[nodiscard]] bool empty() const noexcept { return !kept_ && !error_; }
  [[nodiscard]] const std::exception_ptr& exception() const noexcept { return error_; }

  /// Keeps what a T is made from: for a reference an lvalue, for void nothing at all.
  template <class... Value>
  void set_value(Value&&... value) {
    static_assert(!std::is_reference_v<T> || (std::is_lvalue_reference_v<Value> && ...),
                  "a result that is a reference must refer to something that outlives the coroutine, not to "
                  "a temporary or a local variable");
    if constexpr (std::is_reference_v<T>)
      kept_.emplace(std::addressof(value)...);
    else
      kept_.emplace(std::forward<Value>(value)...);
  }

  /// Returns the value where it is, or throws the exception; either stays. Not if it is empty.
  std::add_lvalue_reference_t<std::add_const_t<T>> get() const {
    if (error_) std::rethrow_exception(error_);
    if constexpr (std::is_reference_v<T>)
      return **kept_;
    else if constexpr (!std::is_void_v<T>)
      return *kept_;
  }

  /// Returns the value, moved out, or throws the exception. Not if it is empty.
  T take() {
    if (error_) std::rethrow_exception(error_);
    if constexpr (std::is_reference_v<T>)
      return **kept_;
    else if constexpr (!std::is_void_v<T>)
      return *std::move(kept_);
  }

 private:
  std::optional<Kept> kept_;
  std::exception_ptr error_;
};

/// The part of a promise that keeps what the coroutine ends with: `co_return value`, `co_return`, or what is
/// thrown. A promise may have return_value() or return_void(), but not both.
template <class T>
struct ReturnValueMixin {
  static_assert(
      alignof(Outcome<T>) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
      "the result needs more alignment than the frame of a coroutine has: return a std::unique_ptr to it");

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
