#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace course {

/// Waits until every other thread of the process is blocked, so that a test can say "when the worker is
/// idle".
void wait_until_others_block();

/// Computes for about 30 ms on this thread. @returns how much processor time all other threads used meanwhile
std::chrono::nanoseconds cpu_time_of_others_while_this_thread_computes();

/// Says what other threads do that are to wait until somebody wakes them: "nothing", if they neither use the
/// processor nor have asked the system to wake them after some time.
std::string what_waiting_threads_do();

/// Returns how many threads the process has now.
std::size_t live_threads();

}  // namespace course
