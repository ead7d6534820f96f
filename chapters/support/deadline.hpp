#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "any_duration.hpp"

namespace concurrent {

/// A moment at which waiting ends; no value means to wait for as long as it takes.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// Returns the moment `timeout` from now. No timeout, or one too long for the clock, is no deadline at all,
/// and a negative one is past.
inline Deadline deadline_after(std::optional<AnyDuration> timeout) {
  using Clock = std::chrono::steady_clock;
  if (!timeout) return std::nullopt;
  const Clock::time_point now = Clock::now();
  if (*timeout >= Clock::time_point::max() - now) return std::nullopt;
  return now + std::max<Clock::duration>(*timeout, Clock::duration::zero());
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
