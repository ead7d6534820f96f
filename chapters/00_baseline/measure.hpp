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
  todo("1.1", "measure");
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
  todo("2.1", "run_sequential");
}

/// Returns how many times faster `parallel` is than `sequential`, in wall time: 2 is twice as fast.
/// @throws std::invalid_argument, whose text has the time, if either makes no sense
inline double speedup(std::chrono::nanoseconds sequential, std::chrono::nanoseconds parallel) {
  todo("3.1", "speedup");
}

/// Compares the wall times of two measurements.
inline double speedup(const Elapsed& sequential, const Elapsed& parallel) {
  return speedup(sequential.wall, parallel.wall);
}

/// Returns the share of `workers` that a speed-up makes use of: 1 means that each of them counts in full.
/// @throws std::invalid_argument, whose text has the number, if `workers` makes no sense
inline double efficiency(double speedup, int workers) {
  todo("3.1", "efficiency");
}

/// Returns the best speed-up that `workers` can give to work of which `parallel_share` can run in parallel.
/// This is Amdahl's law.
/// @throws std::invalid_argument, whose text has the number, if one of the two makes no sense
inline double amdahl(double parallel_share, int workers) {
  todo("3.1", "amdahl");
}

}  // namespace concurrent
