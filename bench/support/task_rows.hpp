#pragma once

#include <chrono>
#include <string>

namespace bench {

/// Names of the rows that measure tasks, for chapter 09 and its peers.
inline const std::string spawned = "a task, start to end";  ///< a million are made, then run
inline const std::string switches = "a switch";             ///< between two tasks that yield in turns
inline const std::string sleepers = "a task that sleeps";   ///< all sleep at once, then all wake

inline constexpr int many_tasks = 1'000'000;
inline constexpr int many_switches = 1'000'000;
inline constexpr int many_sleepers = 100'000;

/// Each sleeper's. To start them all takes longer, but nobody looks at timers meanwhile.
inline constexpr std::chrono::milliseconds nap{1};

}  // namespace bench
