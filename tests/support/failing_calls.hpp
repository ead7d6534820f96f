#pragma once

// System calls that fail when a test wants it. A test's source says which, before its tests:
//
//   COURSE_MAY_FAIL(int, listen, (int fd, int backlog), (fd, backlog))
//
// and then `listen_calls.fail(EADDRINUSE)` lets the next call of listen() fail, in this process and in those
// that it forks from then on.

#include <dlfcn.h>

#include <atomic>
#include <cerrno>

namespace course {

/// The calls of one function of the system.
class SystemCalls {
 public:
  /// Lets `times` calls fail with `error`, after `good` that do not.
  void fail(int error, int times = 1, int good = 0) noexcept {
    error_ = error;
    good_ = good;
    times_ = times;
  }
  void fail_no_more() noexcept { times_ = 0; }

  /// Counts the calls since the last reset().
  [[nodiscard]] int count() const noexcept { return count_; }
  void reset() noexcept { count_ = 0; }

  /// Counts a call. @returns true if it is to fail; errno is set then
  bool fails() noexcept {
    ++count_;
    if (times_ <= 0 || good_.fetch_sub(1) > 0) return false;
    if (times_.fetch_sub(1) <= 0) return false;
    errno = error_;
    return true;
  }

 private:
  std::atomic<int> count_ = 0;
  std::atomic<int> error_ = 0;
  std::atomic<int> good_ = 0;   // calls that are left before the first that fails
  std::atomic<int> times_ = 0;  // calls that are left to fail
};

/// Lets calls fail as long as it lives, and no longer, however a test ends.
class CallsFail {
 public:
  CallsFail(SystemCalls& calls, int error, int times = 1, int good = 0) noexcept : calls_(calls) {
    calls.fail(error, times, good);
  }
  CallsFail(const CallsFail&) = delete;
  CallsFail& operator=(const CallsFail&) = delete;
  ~CallsFail() { calls_.fail_no_more(); }

 private:
  SystemCalls& calls_;
};

inline constexpr int every_time = 1'000'000;

/// Finds the function that is called `name` in the libraries behind the program.
template <class F>
F* in_the_library(const char* name) noexcept {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace course

/// Stands in front of a function of the system that returns -1 when it fails, and counts its calls in
/// `<name>_calls`. The function is found before main(), because a handler of signals could not look for it.
#define COURSE_MAY_FAIL(result, name, parameters, arguments)                                   \
  inline course::SystemCalls name##_calls;                                                     \
  inline auto* name##_in_the_library() noexcept {                                              \
    static auto* const real = course::in_the_library<result parameters>(#name);                \
    return real;                                                                               \
  }                                                                                            \
  inline const bool name##_is_found = name##_in_the_library() != nullptr;                      \
  extern "C" result name parameters {                                                          \
    return name##_calls.fails() ? static_cast<result>(-1) : name##_in_the_library() arguments; \
  }
