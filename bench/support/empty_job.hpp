#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <utility>

#include "row.hpp"

namespace bench {

/// How many jobs a batch has: a million, or, where each of them costs a thread, fewer.
inline constexpr int many = 1'000'000;
inline constexpr int few = 1'000;

/// A job that does nothing, so that what is measured is the way that it goes.
inline void empty_job() { benchmark::ClobberMemory(); }

/// A row of the cost of one job.
/// @param run gets the number of jobs, and returns when all have run
template <class F>
void empty_jobs(const std::string& variant, int jobs, F run) {
  row("a job/" + variant, jobs, [jobs, run = std::move(run)] { run(jobs); });
}

}  // namespace bench
