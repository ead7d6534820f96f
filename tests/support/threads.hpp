#pragma once

#include <chrono>
#include <cstddef>

namespace course {

/// Waits until every other thread of the process is blocked, so that a test can say "when the worker is
/// idle".
void wait_until_others_block();

/// Computes for about 30 ms on this thread. @returns how much processor time all other threads used meanwhile
std::chrono::nanoseconds cpu_time_of_others_while_this_thread_computes();

/// Returns how many threads the process has now.
std::size_t live_threads();

}  // namespace course
