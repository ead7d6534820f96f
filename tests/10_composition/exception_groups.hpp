#pragma once

// What is in a group of exceptions, as a text.

#include "exception_group.hpp"
#include "support.hpp"

#include <exception>
#include <string>
#include <utility>

using asyncio::ExceptionGroup;

/// Lists the exceptions of a group, in order, with those of the groups in it: "a, (b, c)".
inline std::string list(const ExceptionGroup& group) {
  std::string text;
  for (const std::exception_ptr& exception : group.exceptions()) {
    if (!text.empty()) text += ", ";
    try {
      std::rethrow_exception(exception);
    } catch (const ExceptionGroup& inner) {
      text += "(" + list(inner) + ")";
    } catch (...) {
      text += what(exception);
    }
  }
  return text;
}

/// Awaits `awaitable`. @returns as error_of(), but of an ExceptionGroup list()
template <class A>
Coro<std::string> errors_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (const ExceptionGroup& group) {
    co_return "group: " + list(group);
  } catch (...) {
    co_return what(std::current_exception());
  }
  co_return "nothing";
}
