#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "hasty_thief.hpp"
#include "todo.hpp"

namespace concurrent {

/// A WorkStealingDeque for up to four numbers, and without fences. It is wrong on purpose, and right whenever
/// each load reads what was stored last: do not use it.
class HastyDeque : public HastyThief {
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
};

}  // namespace concurrent
