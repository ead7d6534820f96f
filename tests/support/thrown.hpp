#pragma once

#include <concepts>
#include <exception>
#include <stdexcept>
#include <string>

namespace course {

/// Says in a word what `error` is: "cancelled" (of either namespace), "timeout" or "broken promise"; of other
/// exceptions the message, of an int the number, of anything else the type.
/// @returns "nothing" if `error` is null
std::string what(std::exception_ptr error);

/// Calls `fn()`. @returns what() of its exception; "nothing" if it throws none
template <std::invocable F>
std::string error_of(F fn) {
  try {
    fn();
  } catch (...) {
    return what(std::current_exception());
  }
  return "nothing";
}

/// Makes an exception with this message.
template <class E = std::runtime_error>
std::exception_ptr error(const char* message) {
  return std::make_exception_ptr(E(message));
}

}  // namespace course
