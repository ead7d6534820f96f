#pragma once

#include <chrono>
#include <cmath>
#include <stdexcept>

namespace asyncio {

/// The loop's time is that of a clock that never goes back. Python: seconds, as a float.
using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// Returns the time `delay` after `now`; an end of the clock if it would go past that.
/// @throws std::invalid_argument if the delay is not a number
template <class Rep, class Period>
[[nodiscard]] TimePoint time_after(TimePoint now, std::chrono::duration<Rep, Period> delay) {
  const std::chrono::duration<double> seconds = delay;
  if (std::isnan(seconds.count())) throw std::invalid_argument("the delay of call_later is not a number");
  const std::chrono::duration<double> due = now.time_since_epoch() + seconds;
  if (due >= TimePoint::max().time_since_epoch()) return TimePoint::max();
  if (due <= TimePoint::min().time_since_epoch()) return TimePoint::min();
  return now + std::chrono::ceil<Duration>(delay);
}

}  // namespace asyncio
