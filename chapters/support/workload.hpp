#pragma once

#include <cstdint>

namespace concurrent {

/// How far count() counts: the cookbook's ten million.
inline constexpr std::int64_t count_steps = 10'000'000;

/// The cookbook's work: counts to `steps`, one by one, and returns the count times `number`.
/// It only burns processor time, so it shows what a pool can and cannot speed up. Never inlined: so short a
/// loop runs at half the speed where it happens to lie badly, and whoever is compared must run the same one.
[[gnu::noinline]] inline std::int64_t count(std::int64_t number, std::int64_t steps = count_steps) {
  std::int64_t i = 0;
  while (i < steps) {
    ++i;
    asm volatile("" : "+r"(i));  // the optimiser must believe that each value is looked at
  }
  return i * number;
}

}  // namespace concurrent
