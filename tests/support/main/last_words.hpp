#pragma once

#include <cxxabi.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <typeinfo>

#include "backtrace.hpp"
#include "channel.hpp"

extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*)());

/// Not there in programs whose memory does not run out.
namespace course {
[[gnu::weak]] bool memory_has_run_out() noexcept;
}

/// The last messages of a test process that crashes, hangs or gives up.
namespace last_words {

/// True in a build with a sanitizer, whose own handlers say more than these.
inline bool sanitized() noexcept { return __sanitizer_set_death_callback != nullptr; }

inline void on_crash(int signal) {
  channel::send_value(grader::Kind::crash, backtrace::trace(signal));
  raise(signal);  // SA_RESETHAND has brought the default back: it ends the process when the handler returns
}

inline void on_dump(int signal) {
  const int error = errno;
  channel::send_value(grader::Kind::thread, backtrace::trace(signal));
  errno = error;
}

inline std::string type_name(const std::type_info& type) {
  int status = 0;
  char* name = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string result = status == 0 ? name : type.name();
  std::free(name);
  return result;
}

/// The type of the exception that is being handled.
inline std::string current_type() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type != nullptr ? type_name(*type) : "an unknown exception";
}

inline std::string describe(std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::exception& e) {
    return type_name(typeid(e)) + ": " + e.what();
  } catch (...) {
    return current_type();
  }
}

/// Tells of an exception for want of memory that the test itself has seen to it. Empty of any other.
inline std::string why_no_memory(const std::string& error) {
  if (error.find("std::bad_alloc") == std::string::npos) return "";
  if (course::memory_has_run_out == nullptr || !course::memory_has_run_out()) return "";
  return grader::lets_memory_run_out;
}

[[noreturn]] inline void on_terminate() {
  if (const auto error = std::current_exception()) {
    std::string text = describe(error);
    if (const std::string why = why_no_memory(text); !why.empty())
      text = "std::bad_alloc, where nothing may be thrown: " + why;
    channel::send(grader::Kind::uncaught, text);
  }
  std::abort();
}

inline void install_handler(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(signal, &action, nullptr);
}

/// Set when the test has told its result: from here on an exit is the end of the program.
inline bool told = false;

/// Tells where exit() was called, or quick_exit(), whose functions run on top of the caller's; or _exit().
inline void on_exit() {
  if (!told) channel::send_value(grader::Kind::crash, backtrace::trace(0));
}

/// Installs the handlers. Called on the main thread, before any other code of the test runs.
inline void install() {
  backtrace::prepare();
  std::set_terminate(on_terminate);
  install_handler(grader::dump_signal(), on_dump, SA_RESTART);
  if (sanitized()) return;

  alignas(16) static char stack[64 * 1024];  // the crash may be that the usual stack is full
  const stack_t alternate{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  sigaltstack(&alternate, nullptr);
  std::atexit(on_exit);
  std::at_quick_exit(on_exit);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGPIPE, SIGALRM})
    install_handler(signal, on_crash, SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
}

}  // namespace last_words
