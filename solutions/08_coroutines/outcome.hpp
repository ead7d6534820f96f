#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "todo.hpp"

namespace asyncio {

/// The part of an Outcome that is the same for every type: the exception, and whether there is a value.
class AnyOutcome {
 public:
  void set_exception(std::exception_ptr error) noexcept { error_ = std::move(error); }

  [[nodiscard]] bool empty() const noexcept { return !has_value_ && !error_; }

  /// The exception; null if there is none.
  [[nodiscard]] const std::exception_ptr& exception() const noexcept { return error_; }

 protected:
  AnyOutcome() noexcept = default;
  AnyOutcome(const AnyOutcome& other) noexcept : error_(other.error_) {}
  AnyOutcome& operator=(const AnyOutcome&) = delete;
  ~AnyOutcome() = default;

  std::exception_ptr error_;
  bool has_value_ = false;
};

/// The end of a coroutine: a value, a reference or nothing, as `T` says, or an exception. Before that, it is
/// empty.
template <class T>
class Outcome : public AnyOutcome {
  static_assert(!std::is_rvalue_reference_v<T>,
                "a result that is an rvalue reference would refer to something that is gone: return a value");

  /// A reference is kept as a pointer, and void as something without content.
  struct Nothing {};
  using Kept = std::conditional_t<
      std::is_void_v<T>, Nothing,
      std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::remove_const_t<T>>>;

 public:
  Outcome() noexcept {}
  Outcome(Outcome&& other) noexcept(std::is_nothrow_move_constructible_v<Kept>) : AnyOutcome(other) {
    if (other.has_value_) emplace(std::move(other.value_));
  }
  Outcome(const Outcome& other) requires std::copy_constructible<Kept> : AnyOutcome(other) {
    if (other.has_value_) emplace(other.value_);
  }
  Outcome& operator=(Outcome other) noexcept(std::is_nothrow_move_constructible_v<Kept>) {
    destroy_value();
    error_ = std::move(other.error_);
    if (other.has_value_) emplace(std::move(other.value_));
    return *this;
  }
  ~Outcome() { destroy_value(); }

  /// Keeps what a T is made from: for a reference an lvalue, for void nothing at all.
  template <class... Value>
  void set_value(Value&&... value) {
    static_assert(!std::is_reference_v<T> || (std::is_lvalue_reference_v<Value> && ...),
                  "a result that is a reference must refer to something that outlives the coroutine, not to "
                  "a temporary or a local variable");
    // <exercise 5.1 Outcome::set_value>
    if constexpr (std::is_reference_v<T>)
      emplace(std::addressof(value)...);
    else
      emplace(std::forward<Value>(value)...);
    // </exercise>
  }

  /// Returns the value where it is, or throws the exception; either stays. Not if it is empty.
  std::add_lvalue_reference_t<std::add_const_t<T>> get() const {
    // <exercise 5.1 Outcome::get>
    if (error_) std::rethrow_exception(error_);
    if constexpr (std::is_reference_v<T>)
      return *value_;
    else if constexpr (!std::is_void_v<T>)
      return value_;
    // </exercise>
  }

  /// Returns the value, moved out, or throws the exception. Not if it is empty.
  T take() {
    // <exercise 5.1 Outcome::take>
    if (error_) std::rethrow_exception(error_);
    if constexpr (std::is_reference_v<T>)
      return *value_;
    else if constexpr (!std::is_void_v<T>)
      return std::move(value_);
    // </exercise>
  }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  /// Makes the value in its place. If that throws, there is none.
  template <class... From>
  void emplace(From&&... from) {
    // <exercise 5.1 Outcome::emplace>
    destroy_value();
    std::construct_at(std::addressof(value_), std::forward<From>(from)...);
    has_value_ = true;
    // </exercise>
  }

  void destroy_value() noexcept {
    if (std::exchange(has_value_, false)) std::destroy_at(std::addressof(value_));
  }

  union {
    Kept value_;  // if has_value_
  };
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
