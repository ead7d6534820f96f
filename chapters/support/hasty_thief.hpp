#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace concurrent {

/// What a HastyDeque has for thieves: room for up to four numbers, and a steal() whose operations promise no
/// more than a hand-over needs. It is step 2 of chapter 05, solved: look at it only after that.
class HastyThief {
 public:
  /// Takes the oldest number. Any thread may call it.
  std::optional<int> steal() {
    for (;;) {
      std::int64_t top = top_.load(std::memory_order_acquire);
      const std::int64_t bottom = bottom_.load(std::memory_order_acquire);
      if (top >= bottom) return std::nullopt;
      const int number = slot(top).load(std::memory_order_relaxed);
      if (top_.compare_exchange_strong(top, top + 1)) return number;
    }
  }

 protected:
  ~HastyThief() = default;

  std::atomic<int>& slot(std::int64_t number) { return slots_[static_cast<std::size_t>(number)]; }

  std::array<std::atomic<int>, 4> slots_{};
  std::atomic<std::int64_t> top_ = 0;
  std::atomic<std::int64_t> bottom_ = 0;
};

}  // namespace concurrent
