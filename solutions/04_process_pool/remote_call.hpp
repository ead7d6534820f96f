#pragma once

#include <cxxabi.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "archive.hpp"
#include "errors.hpp"
#include "promise.hpp"
#include "packet.hpp"
#include "todo.hpp"
#include "type_name.hpp"

namespace concurrent {

/// An exception that a call threw in another process. The exception itself stays there; its type and its text
/// cross. Python: an exception whose `__cause__` is a `_RemoteTraceback`.
class RemoteError : public Error {
 public:
  RemoteError(std::string type, const std::string& what) : Error(what), type_(std::move(type)) {}

  /// Returns the type, as C++ writes it: `std::invalid_argument`.
  [[nodiscard]] const std::string& type() const noexcept { return type_; }

 private:
  std::string type_;
};

namespace detail {

inline void anchor() {}

/// Returns a function's name, which means the same in each process that runs this program: its distance from
/// anchor(). (Its address alone means nothing where the program was loaded elsewhere.)
template <class R, class... Args>
std::int64_t name_of(R (*function)(Args...)) noexcept {
  return reinterpret_cast<std::intptr_t>(function) - reinterpret_cast<std::intptr_t>(&anchor);
}

/// Returns the function of that name. @tparam Function the type of a pointer to it
template <class Function>
Function function_named(std::int64_t name) noexcept {
  return reinterpret_cast<Function>(name + reinterpret_cast<std::intptr_t>(&anchor));
}

/// A function, or an object without state, such as a lambda without captures, which its type alone describes.
template <class F>
concept Nameable = (std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>) ||
                   (std::is_class_v<F> && std::is_empty_v<F> && std::is_default_constructible_v<F>);

template <Nameable F>
std::int64_t name_of_callable(F fn) noexcept {
  if constexpr (std::is_pointer_v<F>)
    return name_of(fn);
  else
    return 0;
}

template <Nameable F>
F callable_named(std::int64_t name) noexcept {
  if constexpr (std::is_pointer_v<F>)
    return function_named<F>(name);
  else
    return F();
}

/// The outcome of a call, as it crosses.
struct Answer {
  PacketType type = PacketType::error;  ///< result or error
  Bytes bytes;                          ///< the value, or the type and the text of the exception
};

/// Describes the exception that is being handled. @returns its type and its text
inline std::pair<std::string, std::string> current_error() {
  const std::type_info* const info = abi::__cxa_current_exception_type();
  std::string type = info ? type_name(*info) : "unknown";
  try {
    throw;
  } catch (const std::exception& error) {
    return {std::move(type), error.what()};
  } catch (...) {
    return {type, "an exception of type " + type};
  }
}

/// Calls `call()`, and lets nothing out that it throws. @returns the bytes of its result, none if it is void;
/// or the type and the text of whatever was thrown, by the call or while its result was written
template <class F>
Answer answer_of(F call) {
  // <exercise 4.1 answer_of>
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      call();
      return {PacketType::result, {}};
    } else {
      return {PacketType::result, to_bytes(call())};
    }
  } catch (...) {
    const auto [type, what] = current_error();
    return {PacketType::error, to_bytes(type, what)};
  }
  // </exercise>
}

/// Runs a call in a worker: reads the callable's name and its arguments, and calls it with the arguments,
/// moved. What cannot be read is the outcome of the call, too. Given, not an exercise.
template <class F, class... Args>
Answer run_call(std::span<const char> bytes) {
  return answer_of([bytes] {
    return std::apply([](std::int64_t name,
                         Args&&... args) { return std::invoke(callable_named<F>(name), std::move(args)...); },
                      from_bytes<std::int64_t, Args...>(bytes));
  });
}

using RunCall = Answer (*)(std::span<const char>);

/// Finishes the future of a call with the answer to it: with the value, a RemoteError, or whatever the
/// reading of the value throws. A future that is done keeps its outcome.
template <class T>
void finish_with(SharedState& shared, const Packet& answer) {
  // <exercise 4.1 finish_with>
  auto& state = static_cast<State<T>&>(shared);
  state.complete([&] {
    answer.read([&](std::span<const char> bytes) {
      if (answer.header().type == PacketType::error)
        throw std::make_from_tuple<RemoteError>(from_bytes<std::string, std::string>(bytes));
      state.store([&]() -> T {
        if constexpr (!std::is_void_v<T>) return std::get<0>(from_bytes<T>(bytes));
      });
    });
  });
  // </exercise>
}

}  // namespace detail
}  // namespace concurrent
