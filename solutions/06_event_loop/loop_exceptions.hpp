#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <string>

#include "handle.hpp"
#include "todo.hpp"

namespace asyncio {

class EventLoop;

/// What an exception handler is told. Python: the dictionary `context`.
struct ExceptionContext {
  std::string message;             ///< what happened, in a sentence
  std::exception_ptr exception{};  ///< what was thrown; may be null
  Handle handle{};                 ///< the callback that threw it, if it was one
};

/// What an exception handler is: it runs on the loop's thread.
using LoopExceptionHandler = std::function<void(EventLoop&, const ExceptionContext&)>;

/// Writes a line to stderr, and throws nothing. Python: `loop.default_exception_handler`.
inline void write_exception(const ExceptionContext& context) noexcept {
  const auto write = [&](const char* what) {
    std::fprintf(stderr, "%s: %s\n", context.message.c_str(), what);
  };
  if (!context.exception) {
    std::fprintf(stderr, "%s\n", context.message.c_str());
    return;
  }
  try {
    std::rethrow_exception(context.exception);
  } catch (const std::exception& error) {
    write(error.what());
  } catch (...) {
    write("an exception that is no std::exception");
  }
}

/// Hands `context` to `handler`; without one, writes it. What the handler throws is written. Throws nothing.
/// @param handler a copy: the handler may replace itself
inline void handle_exception(LoopExceptionHandler handler, EventLoop& loop, const ExceptionContext& context) {
  // <exercise 6.1 handle_exception> If there is no handler, write_exception(). Otherwise call it. What it
  // throws is written, with the message "Unhandled error in exception handler".
  if (!handler) return write_exception(context);
  try {
    handler(loop, context);
  } catch (...) {
    write_exception({"Unhandled error in exception handler", std::current_exception()});
  }
  // </exercise>
}

}  // namespace asyncio
