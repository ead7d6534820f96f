#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <limits>
#include <optional>
#include <span>

#include "loop_time.hpp"

namespace asyncio::detail {

/// Waits for events of an epoll, to the nanosecond with epoll_pwait2(). Where that is missing, as in Linux
/// before 5.11, or forbidden, as in some containers, it waits with epoll_wait(), up to a millisecond longer.
/// @param timeout none: as long as it takes; 0: it does not wait
/// @returns how many events there are; -1 with errno
inline int epoll_wait_for(int epoll, std::span<epoll_event> events,
                          std::optional<Duration> timeout) noexcept {
  using std::chrono::milliseconds, std::chrono::seconds;
  const int size = static_cast<int>(events.size());
  std::timespec limit{};
  if (timeout) {
    const auto whole = std::chrono::floor<seconds>(*timeout);
    limit = {.tv_sec = whole.count(), .tv_nsec = (*timeout - whole).count()};
  }
  const int count = ::epoll_pwait2(epoll, events.data(), size, timeout ? &limit : nullptr, nullptr);
  if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
  if (!timeout) return ::epoll_wait(epoll, events.data(), size, -1);
  const auto longest = milliseconds(std::numeric_limits<int>::max());
  const auto rounded = std::min(std::chrono::ceil<milliseconds>(*timeout), longest);
  return ::epoll_wait(epoll, events.data(), size, static_cast<int>(rounded.count()));
}

}  // namespace asyncio::detail
