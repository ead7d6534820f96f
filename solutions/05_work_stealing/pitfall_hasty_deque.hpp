#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "todo.hpp"

namespace concurrent {

/// A WorkStealingDeque for up to four numbers, and without fences. It is wrong on purpose, and right whenever
/// each load reads what was stored last: do not use it.
class HastyDeque {
 public:
  /// Adds a number at the bottom. Only the owner may call it, and at most four times.
  void push(int number) {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
    slot(bottom).store(number, std::memory_order_relaxed);
    bottom_.store(bottom + 1, std::memory_order_release);
  }

  /// Takes the number that was pushed last. Only the owner may call it.
  std::optional<int> pop() {
    // <exercise 3.1 HastyDeque::pop>
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed) - 1;
    bottom_.store(bottom, std::memory_order_release);
    std::int64_t top = top_.load(std::memory_order_relaxed);
    if (top < bottom) return slot(bottom).load(std::memory_order_relaxed);
    const bool won = top == bottom && top_.compare_exchange_strong(top, top + 1);
    bottom_.store(bottom + 1, std::memory_order_release);
    if (!won) return std::nullopt;
    return slot(bottom).load(std::memory_order_relaxed);
    // </exercise>
  }

  /// Takes the oldest number. Any thread may call it.
  std::optional<int> steal() {
    // <exercise 3.1 HastyDeque::steal>
    for (;;) {
      std::int64_t top = top_.load(std::memory_order_acquire);
      const std::int64_t bottom = bottom_.load(std::memory_order_acquire);
      if (top >= bottom) return std::nullopt;
      const int number = slot(top).load(std::memory_order_relaxed);
      if (top_.compare_exchange_strong(top, top + 1)) return number;
    }
    // </exercise>
  }

 private:
  std::atomic<int>& slot(std::int64_t number) { return slots_[static_cast<std::size_t>(number)]; }

  std::array<std::atomic<int>, 4> slots_{};
  std::atomic<std::int64_t> top_ = 0;
  std::atomic<std::int64_t> bottom_ = 0;
};

}  // namespace concurrent
