#pragma once

#include <benchmark/benchmark.h>

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace bench {

/// Every bench file defines this one: it calls row() for each of its rows. Exceptions end the program with a
/// message.
void rows();

/// Registers a row, whose time per item is measured on the wall clock.
/// @param name `group/variant`, as in "a job/ThreadPool". In a group the variant `sequential` is the
/// baseline.
/// @param items how many pieces of work a batch does
/// @param work the batch, called again and again; or a function that prepares one and returns it, which is
/// called once
///        and is not timed, nor is the destruction of what it returns. An exception is the row's failure.
template <std::invocable F>
requires std::copy_constructible<F>
void row(const std::string& name, std::int64_t items, F work) {
  const auto run = [](benchmark::State& state, auto& batch) {
    for (auto _ : state) batch();
  };
  const auto measured = [=](benchmark::State& state) mutable {
    try {
      if constexpr (std::invocable<std::invoke_result_t<F&>>) {
        auto batch = work();
        run(state, batch);
      } else {
        run(state, work);
      }
      state.SetItemsProcessed(state.iterations() * items);
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
    }
  };
  benchmark::RegisterBenchmark(name.c_str(), measured)->UseRealTime();
}

/// `batch` after a first run, so that the memory that it keeps is there, whatever it is measured against.
template <class F>
F warmed_up(F batch) {
  batch();
  return batch;
}

/// "1 worker", "5 workers"
inline std::string workers_text(int workers) {
  return std::to_string(workers) + (workers == 1 ? " worker" : " workers");
}

}  // namespace bench
