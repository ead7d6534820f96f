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
    todo("3.1", "HastyDeque::pop");
  }
};

}  // namespace concurrent
