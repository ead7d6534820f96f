#pragma once

#include <benchmark/benchmark.h>

#include <sys/resource.h>

#include <string>

#include "fd.hpp"

namespace bench {

/// Names of the rows that measure coroutines, for chapter 08 and its peers.
inline const std::string an_await = "create, await, destroy";  ///< one after another
inline const std::string a_level = "a level, a million deep";  ///< each awaits the next
inline const std::string a_value = "the next value";           ///< of a sequence

inline constexpr int many_awaits = 1'000'000;
inline constexpr int many_levels = 1'000'000;
inline constexpr int many_values = 1'000'000;

/// An ordinary function, which is really called.
[[gnu::noinline]] inline int call(int n) {
  benchmark::ClobberMemory();
  return n;
}

/// Ordinary recursion.
[[gnu::noinline]] inline int recurse(int levels) {
  if (levels == 0) return 0;
  const int below = recurse(levels - 1);
  benchmark::ClobberMemory();  // or it would be made a loop
  return 1 + below;
}

/// Lets the main thread have the stack that recurse(many_levels) takes.
inline void raise_stack_limit() {
  rlimit limit{};
  concurrent::checked(::getrlimit(RLIMIT_STACK, &limit), "getrlimit");
  limit.rlim_cur = 120U << 20U;
  concurrent::checked(::setrlimit(RLIMIT_STACK, &limit), "a stack of 120 MiB");
}

}  // namespace bench
