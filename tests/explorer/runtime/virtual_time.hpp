#pragma once

#include <time.h>

#include <cstdint>

/// The scenario's clock: it goes on when all threads wait, and by a little whenever somebody looks at it.
namespace explore::runtime::virtual_time {

inline constexpr std::int64_t start = 1'000'000'000'000'000;  ///< nanoseconds, on every clock

constexpr std::int64_t nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// No deadline if it is null.
constexpr std::int64_t deadline(const timespec* time) noexcept { return time ? nanoseconds(*time) : -1; }

}  // namespace explore::runtime::virtual_time
