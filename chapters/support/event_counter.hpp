#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "fd.hpp"

namespace asyncio::detail {

/// A number in the kernel that any thread, process or signal handler can count up, and epoll can watch:
/// smaller and faster than a pipe to oneself.
inline concurrent::Fd event_counter() {
  return concurrent::Fd(concurrent::checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"));
}

/// Safe in a signal handler, except that it changes errno.
inline void count_up(int counter) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(counter, &one, sizeof one);
}

/// Sets it back to 0. It may be 0 already.
inline void reset_count(int counter) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = ::read(counter, &count, sizeof count);
}

}  // namespace asyncio::detail
