#pragma once

#include <chrono>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace bench {

/// Names of the rows that measure a loop, for chapter 06 and its peers.
inline const std::string chained = "a callback, chained";     ///< each schedules the next
inline const std::string in_a_batch = "a callback, batched";  ///< a million are scheduled, then run
inline const std::string timers = "timer, half cancelled";    ///< set, cancel every other, run
inline const std::string wake_ups = "a wake-up";              ///< from another thread, which waits

inline constexpr int many_callbacks = 1'000'000;
inline constexpr int many_timers = 1'000'000;
inline constexpr int many_wake_ups = 2'000;

/// When timers are due after the beginning, in milliseconds: within 100.
inline const std::vector<int>& delays() {
  static const std::vector<int> all = [] {
    std::mt19937 random(1);
    std::vector<int> delays(many_timers);
    for (int& delay : delays) delay = static_cast<int>(random() % 100);
    return delays;
  }();
  return all;
}

}  // namespace bench
