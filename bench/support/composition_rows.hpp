#pragma once

#include <string>

namespace bench {

/// Names of the rows that measure compositions, for chapter 10 and its peers.
inline const std::string gathered = "a child of gather";           ///< a thousand at a time
inline const std::string grouped = "a child of a TaskGroup";       ///< a thousand at a time
inline const std::string two_gathered = "a gather of two";         ///< that do nothing
inline const std::string waited_for = "wait_for, done in time";    ///< of what takes a pass
inline const std::string in_time = "timeout, done in time";        ///< of what takes a pass
inline const std::string in_executor = "run_in_executor";          ///< one after another, on one core
inline const std::string threadsafe = "run_coroutine_threadsafe";  ///< one after another, on one core

inline constexpr int children = 1'000;
inline constexpr int many_children = 100 * children;
inline constexpr int many_pairs = 100'000;
inline constexpr int many_waits = 100'000;
inline constexpr int many_round_trips = 2'000;

}  // namespace bench
