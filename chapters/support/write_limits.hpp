#pragma once

#include <cstddef>
#include <stdexcept>

namespace asyncio {

/// The marks of what is written and not sent yet, in bytes: from more than the high one, drain() waits, until
/// there is no more than the low one. Python: `transport.set_write_buffer_limits`.
struct WriteLimits {
  std::size_t high = 65536;
  std::size_t low = high / 4;
};

/// Returns the limits. @throws std::invalid_argument if the low one is above the high one
inline WriteLimits checked_limits(const WriteLimits& limits) {
  if (limits.low > limits.high) throw std::invalid_argument("high must be >= low must be >= 0");
  return limits;
}

}  // namespace asyncio
