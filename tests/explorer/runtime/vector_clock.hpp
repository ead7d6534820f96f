#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace explore::runtime {

/// How many threads a schedule may start.
inline constexpr int most_threads = 32;

/// The past as one thread knows it: of each thread, how far it had got. Two events are ordered if
/// the later one's clock covers the earlier one; if neither covers the other, nothing orders them.
struct VectorClock {
  std::array<std::uint32_t, most_threads> at{};

  [[nodiscard]] bool covers(int thread, std::uint32_t time) const noexcept {
    return time <= at[static_cast<std::size_t>(thread)];
  }
  /// Knows from now on what `other` knows, too.
  void join(const VectorClock& other) noexcept {
    for (std::size_t i = 0; i < at.size(); ++i) at[i] = std::max(at[i], other.at[i]);
  }
};

}  // namespace explore::runtime
