#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace concurrent {

/// A moment at which waiting ends; no value means to wait for as long as it takes.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// Returns the moment `timeout` from now. A timeout too long for the clock is no deadline at all, and a
/// negative one is past.
template <class Rep, class Period>
Deadline deadline_after(std::chrono::duration<Rep, Period> timeout) {
  using Clock = std::chrono::steady_clock;
  const auto now = Clock::now();
  const std::chrono::duration<double> most = Clock::time_point::max() - now;
  if (std::chrono::duration<double>(timeout) >= most) return std::nullopt;
  if (std::chrono::duration<double>(timeout) <= -most) return now;
  return now + std::chrono::ceil<Clock::duration>(timeout);
}

/// Does the same for an optional timeout: none means no deadline.
template <class Rep, class Period>
Deadline deadline_after(const std::optional<std::chrono::duration<Rep, Period>>& timeout) {
  return timeout ? deadline_after(*timeout) : std::nullopt;
}

/// Waits until `ready()` is true or the deadline has passed. @returns what `ready()` says at the end
template <class Ready>
bool wait_until(std::condition_variable& condition, std::unique_lock<std::mutex>& lock, Deadline deadline,
                Ready ready) {
  if (deadline) return condition.wait_until(lock, *deadline, ready);
  condition.wait(lock, ready);
  return true;
}

}  // namespace concurrent
