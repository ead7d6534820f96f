#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>

#include "explore.hpp"

/// Counts the numbers that come out of a deque, by the threads that take them.
class Tally {
 public:
  void add(std::optional<int> number) {
    if (number) ++seen_[static_cast<std::size_t>(*number)];
  }
  /// Checks that each of the first `count` numbers came out once.
  void expect_each_once(int count) const {
    for (int number = 0; number < count; ++number)
      EXPECT_EQ(seen_[static_cast<std::size_t>(number)].load(), 1)
          << "number " << number << ": 0 means that it was lost, 2 that two threads have taken it";
  }

 private:
  std::array<std::atomic<int>, 8> seen_{};
};
