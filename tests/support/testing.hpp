#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <utility>

/// What the course's tests share beyond GoogleTest. None of it sleeps, and none of it measures time.
namespace course {

/// How often `operator new` has been called so far, by all threads.
std::size_t allocations() noexcept;

/// How often `operator new` is called, by any thread, while `fn()` runs.
template <class F>
std::size_t allocations_in(F&& fn) {
  const std::size_t before = allocations();
  std::forward<F>(fn)();
  return allocations() - before;
}

/// Waits until every other thread of the process is blocked, so that a test can say "when the worker is
/// idle".
void wait_until_others_block();

/// Computes for about 30 ms on this thread, and tells how much processor time all other threads used
/// meanwhile.
std::chrono::nanoseconds cpu_time_of_others_while_this_thread_computes();

/// How many threads the process has now.
std::size_t live_threads();

}  // namespace course
