#pragma once

#include <string>

namespace grader {

/// The parts of the system that a test has for itself alone. Each is a bit.
enum Seclusion : int {
  own_files = 1,    ///< its folders for temporary files and its home are its own and empty, and solutions are
                    ///< out of its sight
  read_only = 2,    ///< it can write nowhere else
  own_network = 4,  ///< the only network is a loopback of its own
  own_memory = 8,   ///< the message queues, semaphores and shared memory of System V and POSIX
};
inline constexpr int secluded = own_files | read_only | own_network | own_memory;

/// Gives the calling process all this, as far as the system lets it. The process must have the rights of root
/// in its user namespace, and a mount namespace whose changes are not seen outside.
/// @param binary the test's program: its folder stays, and the repository's solutions go, unless it is built
/// with them
/// @returns the bits of what it now has
int seclude(const std::string& binary);

}  // namespace grader
