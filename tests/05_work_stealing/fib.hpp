#pragma once

#include "fork_join.hpp"
#include "work_stealing_executor.hpp"

/// Returns the n-th Fibonacci number, by two calls in each fork: a tree of small jobs, and uneven. Call it on
/// a worker.
inline long fib(concurrent::WorkStealingExecutor& executor, int n) {
  if (n < 2) return n;
  long a = 0, b = 0;
  concurrent::fork_join(
      executor, [&] { a = fib(executor, n - 1); }, [&] { b = fib(executor, n - 2); });
  return a + b;
}
