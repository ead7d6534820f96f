#pragma once

#include <cstddef>

namespace asyncio::detail {

/// Notices that a walk from place to place goes round in a circle, without a memory of the places: it
/// compares each with one mark, which it moves on after 1, 2, 4, 8, … steps, until the circle fits between
/// (Brent's algorithm).
class CycleDetector {
 public:
  /// @param start where the walk begins
  explicit CycleDetector(const void* start) noexcept : mark_(start) {}

  /// Makes a step. @returns true if the walk has come round
  bool step(const void* place) noexcept {
    if (place == mark_) return true;
    if (++steps_ == limit_) {
      mark_ = place;
      steps_ = 0;
      limit_ *= 2;
    }
    return false;
  }

 private:
  const void* mark_;
  std::size_t steps_ = 0;
  std::size_t limit_ = 1;
};

}  // namespace asyncio::detail
