#pragma once

// Clocks that a test moves. Include it in one source of a test binary: it stands in front of the functions
// with which the system's clocks are read and waited for.

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdint>

#include "failing_calls.hpp"

namespace course {

/// So far each clock is ahead of the system's.
inline std::atomic<std::int64_t> steady_clock_is_ahead = 0;   ///< in nanoseconds
inline std::atomic<std::int64_t> system_clock_is_ahead = 0;   ///< in nanoseconds
inline std::atomic<std::int64_t> process_clock_is_ahead = 0;  ///< that of processor time, in nanoseconds

/// Lets time pass at once: steady_clock and system_clock go forward. A thread that waits for a moment is not
/// woken by that; but as soon as it looks at the clock, the moment may be past.
inline void let_time_pass(std::chrono::nanoseconds time) noexcept {
  steady_clock_is_ahead += time.count();
  system_clock_is_ahead += time.count();
}

/// Lets the process have computed for so long.
inline void let_processor_time_pass(std::chrono::nanoseconds time) noexcept {
  process_clock_is_ahead += time.count();
}

/// Sets the clock on the wall forward (or back), as people and time servers do: no time passes.
inline void set_the_wall_clock(std::chrono::nanoseconds change) noexcept {
  system_clock_is_ahead += change.count();
}

/// Returns how far `clock` is ahead, in nanoseconds.
inline std::int64_t is_ahead(clockid_t clock) noexcept {
  if (clock == CLOCK_MONOTONIC) return steady_clock_is_ahead;
  if (clock == CLOCK_PROCESS_CPUTIME_ID) return process_clock_is_ahead;
  return clock == CLOCK_REALTIME ? system_clock_is_ahead.load() : 0;
}

/// Returns `time` and so many nanoseconds.
inline timespec later(const timespec& time, std::int64_t nanoseconds) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  std::int64_t rest = time.tv_nsec + nanoseconds % second;
  std::int64_t seconds = time.tv_sec + nanoseconds / second;
  if (rest < 0) rest += second, --seconds;
  if (rest >= second) rest -= second, ++seconds;
  return {.tv_sec = seconds < 0 ? 0 : seconds, .tv_nsec = static_cast<long>(rest)};
}

}  // namespace course

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const real = course::in_the_library<int(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, time);
  if (result == 0) *time = course::later(*time, course::is_ahead(clock));
  return result;
}

extern "C" clock_t clock() noexcept {
  static auto* const real = course::in_the_library<clock_t()>("clock");
  return real() + static_cast<clock_t>(course::process_clock_is_ahead / (1'000'000'000 / CLOCKS_PER_SEC));
}

extern "C" int getrusage(__rusage_who_t who, rusage* usage) noexcept {
  static auto* const real = course::in_the_library<int(__rusage_who_t, rusage*)>("getrusage");
  const int result = real(who, usage);
  if (result != 0 || who != RUSAGE_SELF) return result;
  const timespec user{.tv_sec = usage->ru_utime.tv_sec, .tv_nsec = usage->ru_utime.tv_usec * 1'000};
  const timespec moved = course::later(user, course::process_clock_is_ahead);
  usage->ru_utime = {.tv_sec = moved.tv_sec, .tv_usec = moved.tv_nsec / 1'000};
  return result;
}

extern "C" int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                                      const timespec* until) {
  static auto* const real =
      course::in_the_library<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>(
          "pthread_cond_clockwait");
  const timespec systems = course::later(*until, -course::is_ahead(clock));
  return real(condition, mutex, clock, &systems);
}

extern "C" int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                      const timespec* until) {
  static auto* const real = course::in_the_library<int(pthread_cond_t*, pthread_mutex_t*, const timespec*)>(
      "pthread_cond_timedwait");
  const timespec systems = course::later(*until, -course::is_ahead(CLOCK_REALTIME));
  return real(condition, mutex, &systems);
}
