#pragma once

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <typeinfo>
#include <utility>

#include "handle.hpp"
#include "loop_time.hpp"
#include "todo.hpp"
#include "type_name.hpp"

namespace asyncio {

class EventLoop;

/// The argument of an exception handler. Python: the dictionary `context`.
struct ExceptionContext {
  std::string message;             ///< what happened, in a sentence
  std::exception_ptr exception{};  ///< what was thrown; may be null
  Handle handle{};                 ///< the callback that threw it, if it was one
};

/// An exception handler. It runs on the loop's thread.
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

/// Reports what callbacks throw and, in debug mode, which are slow. A base of EventLoop. For the loop's
/// thread.
class LoopReports {
 public:
  LoopReports(const LoopReports&) = delete;
  LoopReports& operator=(const LoopReports&) = delete;

  /// Sets who is told of exceptions that a callback lets out; an empty handler brings back the default, which
  /// writes a line to stderr. Python: `loop.set_exception_handler`.
  void set_exception_handler(LoopExceptionHandler handler) {
    todo("6.1", "LoopReports::set_exception_handler");
  }

  /// Tells the exception handler of `context`. What the handler throws goes to stderr, and no further.
  /// Python: `loop.call_exception_handler`.
  void call_exception_handler(const ExceptionContext& context) {
    todo("6.1", "LoopReports::call_exception_handler");
  }

  /// In debug mode the loop refuses calls from other threads, and writes a line about slow callbacks.
  /// Python: `loop.set_debug`, `loop.get_debug`.
  void set_debug(bool on) { debug_ = on; }
  [[nodiscard]] bool get_debug() const noexcept { return debug_; }

  /// The time from which on a callback is slow. Python: `loop.slow_callback_duration`, in seconds.
  concurrent::AnyDuration slow_callback_duration = std::chrono::milliseconds(100);

 protected:
  explicit LoopReports(EventLoop& loop) noexcept : loop_(loop) {}
  ~LoopReports() = default;

  /// Reports the exception that is being handled, which a callback of this type let out.
  void tell_of_exception(const std::type_info& type, Handle handle) noexcept {
    try {
      call_exception_handler({.message = "Exception in callback " + concurrent::type_name(type),
                              .exception = std::current_exception(),
                              .handle = std::move(handle)});
    } catch (...) {  // there may be no memory
      std::fprintf(stderr, "Exception in callback %s\n", type.name());
    }
  }

  /// Writes a line about a callback of this type, which took too long.
  static void tell_of_slowness(const std::type_info& type, Duration took) noexcept {
    const double seconds = std::chrono::duration<double>(took).count();
    try {
      std::fprintf(stderr, "Executing %s took %.3f seconds\n", concurrent::type_name(type).c_str(), seconds);
    } catch (...) {
      std::fprintf(stderr, "Executing %s took %.3f seconds\n", type.name(), seconds);
    }
  }

 private:
  EventLoop& loop_;
  // For 6.1: members of your choice.
  bool debug_ = false;
};

}  // namespace asyncio
