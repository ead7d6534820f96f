#pragma once

#include <cstdint>

namespace concurrent {

/// The number of steps in a call of count(): the cookbook's ten million.
inline constexpr std::int64_t count_steps = 10'000'000;

/// The cookbook's work: counts to `steps`, one by one, and returns the count times `number`.
/// It only uses processor time, so it shows what a pool can and cannot speed up. It is never inlined: the
/// speed of so short a loop depends on its place in memory, so all that are compared must run the same copy.
[[gnu::noinline]] inline std::int64_t count(std::int64_t number, std::int64_t steps = count_steps) {
  std::int64_t i = 0;
  while (i < steps) {
    ++i;
    asm volatile("" : "+r"(i));  // the optimiser must assume that each value is used
  }
  return i * number;
}

}  // namespace concurrent
