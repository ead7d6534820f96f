#pragma once

#include <chrono>
#include <concepts>
#include <ctime>
#include <functional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "todo.hpp"

namespace concurrent {

/// The time that a piece of work took.
struct Elapsed {
  std::chrono::nanoseconds wall{};  ///< by the clock on the wall. Python: `time.perf_counter()`
  std::chrono::nanoseconds cpu{};  ///< of processor time, all threads together. Python: `time.process_time()`
};

/// Calls `fn` once, as a temporary if it was given as one, and measures that. Its result is dropped; an
/// exception that it throws comes through.
template <std::invocable F>
Elapsed measure(F&& fn) {
  // <exercise 1.1 measure>
  const auto cpu_now = [] {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  const auto wall_before = std::chrono::steady_clock::now();
  const auto cpu_before = cpu_now();
  std::invoke(std::forward<F>(fn));
  const auto wall = std::chrono::steady_clock::now() - wall_before;
  const auto cpu = cpu_now() - cpu_before;
  return {.wall = wall, .cpu = cpu};
  // </exercise>
}

/// The return type of run_sequential(): void where `F` returns nothing, else a vector of what it returns, as
/// values.
template <class Items, class F>
requires std::invocable<F&, std::ranges::range_reference_t<Items>>
using SequentialResults = std::conditional_t<
    std::is_void_v<std::invoke_result_t<F&, std::ranges::range_reference_t<Items>>>, void,
    std::vector<std::decay_t<std::invoke_result_t<F&, std::ranges::range_reference_t<Items>>>>>;

/// Calls `fn` on each item, as the range gives it, one after another, on the calling thread: the sequential
/// model. An exception that `fn` throws comes through at once, and the items after it are not visited.
/// @returns the results in the order of the items, a copy where `fn` returns a reference; nothing if `fn`
/// returns nothing
template <std::ranges::input_range Items, class F>
SequentialResults<Items, F> run_sequential(Items&& items, F fn) {
  // <exercise 2.1 run_sequential>
  using Results = SequentialResults<Items, F>;
  if constexpr (std::is_void_v<Results>) {
    for (auto&& item : items) std::invoke(fn, std::forward<decltype(item)>(item));
  } else {
    Results results;
    if constexpr (std::ranges::sized_range<Items>) results.reserve(std::ranges::size(items));
    for (auto&& item : items) results.push_back(std::invoke(fn, std::forward<decltype(item)>(item)));
    return results;
  }
  // </exercise>
}

/// Returns how many times faster `parallel` is than `sequential`, in wall time: 2 is twice as fast.
/// @throws std::invalid_argument, whose text has the time, if either makes no sense
inline double speedup(std::chrono::nanoseconds sequential, std::chrono::nanoseconds parallel) {
  // <exercise 3.1 speedup>
  if (sequential.count() <= 0 || parallel.count() <= 0)
    throw std::invalid_argument("speedup: both times must be above zero, not " +
                                std::to_string(sequential.count()) + " ns and " +
                                std::to_string(parallel.count()) + " ns");
  return std::chrono::duration<double>(sequential) / std::chrono::duration<double>(parallel);
  // </exercise>
}

/// Compares the wall times of two measurements.
inline double speedup(const Elapsed& sequential, const Elapsed& parallel) {
  return speedup(sequential.wall, parallel.wall);
}

/// Returns the share of `workers` that a speed-up makes use of: 1 means that each of them counts in full.
/// @throws std::invalid_argument, whose text has the number, if `workers` makes no sense
inline double efficiency(double speedup, int workers) {
  // <exercise 3.1 efficiency>
  if (workers < 1)
    throw std::invalid_argument("efficiency: workers must be at least 1, not " + std::to_string(workers));
  return speedup / workers;
  // </exercise>
}

/// Returns the best speed-up that `workers` can give to work of which `parallel_share` can run in parallel.
/// This is Amdahl's law.
/// @throws std::invalid_argument, whose text has the number, if one of the two makes no sense
inline double amdahl(double parallel_share, int workers) {
  // <exercise 3.1 amdahl>
  if (!(parallel_share >= 0 && parallel_share <= 1))
    throw std::invalid_argument("amdahl: parallel_share must be between 0 and 1, not " +
                                std::to_string(parallel_share));
  if (workers < 1)
    throw std::invalid_argument("amdahl: workers must be at least 1, not " + std::to_string(workers));
  return 1 / (1 - parallel_share + parallel_share / workers);
  // </exercise>
}

}  // namespace concurrent
