#pragma once

#include <benchmark/benchmark.h>

#include <thread>
#include <vector>

#include "empty_job.hpp"
#include "workload.hpp"

namespace bench {

/// A tree of jobs: each of them posts two more, down to this height.
inline constexpr int tree_height = 16;
inline constexpr int tree_jobs = (1 << (tree_height + 1)) - 1;

/// The number that is computed, and how many calls that takes without a cut-off.
inline constexpr int fib_of = 30;
inline constexpr int fib_calls = 2'692'537;

inline long sequential_fib(int n) { return n < 2 ? n : sequential_fib(n - 1) + sequential_fib(n - 2); }

/// One job in 64 takes a thousand times as long as the others, which take some 20 ns.
inline constexpr int skewed_jobs = 64'000;
inline void skewed_job(int number) {
  benchmark::DoNotOptimize(concurrent::count(number, number % 64 == 0 ? 60'000 : 60));
}

/// Calls `post()` as often as there are jobs, from four threads.
template <class F>
void four_producers(F post) {
  std::vector<std::jthread> producers;
  for (int i = 0; i < 4; ++i)
    producers.emplace_back([&] {
      for (int job = 0; job < many / 4; ++job) post();
    });
}

}  // namespace bench
