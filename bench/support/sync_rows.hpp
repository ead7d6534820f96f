#pragma once

#include <string>

namespace bench {

/// Names of the rows that measure what tasks share, for chapter 11 and its peers.
inline const std::string uncontended = "a lock, taken and given back";  ///< by one task
inline const std::string handed_over = "a lock, handed over";           ///< between two tasks, to and fro
inline const std::string queued = "an item through a queue";            ///< from one task to another
inline const std::string queued_one =
    "an item through a queue of 1";  ///< which is full or empty all the time
inline const std::string permits = "a permit, for one of 1,000 tasks";  ///< 10 at a time, each for a pass
inline const std::string meeting = "an arrival at a barrier of 100";

inline constexpr int many_locks = 1'000'000;
inline constexpr int many_hand_overs = 200'000;
inline constexpr int many_items = 200'000;
inline constexpr int many_waiters = 1'000;
inline constexpr int parties = 100;
inline constexpr int rounds = 20;

}  // namespace bench
