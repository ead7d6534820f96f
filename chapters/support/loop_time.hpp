#pragma once

#include <chrono>

#include "any_duration.hpp"

namespace asyncio {

/// The loop's time is that of a clock that never goes back. Python: seconds, as a float.
using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// Returns the time `delay` after `now`; an end of the clock if it would go past that.
[[nodiscard]] inline TimePoint time_after(TimePoint now, concurrent::AnyDuration delay) {
  const Duration wanted = delay, elapsed = now.time_since_epoch();
  const bool too_late = elapsed > Duration::zero() && wanted > Duration::max() - elapsed;
  const bool too_early = elapsed < Duration::zero() && wanted < Duration::min() - elapsed;
  if (too_late || wanted == Duration::max()) return TimePoint::max();
  if (too_early || wanted == Duration::min()) return TimePoint::min();
  return now + wanted;
}

}  // namespace asyncio
