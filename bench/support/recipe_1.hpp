#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <utility>

#include "row.hpp"
#include "workload.hpp"

namespace bench {

/// The work of one item of the cookbook's first recipe.
inline void recipe_1_item(int item) { benchmark::DoNotOptimize(concurrent::count(item)); }

/// A row of the recipe: ten items, each counted to ten million.
/// @param run gets the number of items and the work, a function of the item's number; returns when all is
/// done
template <class F>
void recipe_1(const std::string& variant, F run) {
  row("recipe 1/" + variant, 10, [run = std::move(run)] { run(10, recipe_1_item); });
}

/// The baseline: no thread but this one.
inline constexpr auto run_one_by_one = [](int items, auto work) {
  for (int item = 1; item <= items; ++item) work(item);
};

/// "1 worker", "5 workers"
inline std::string workers_text(int workers) {
  return std::to_string(workers) + (workers == 1 ? " worker" : " workers");
}

}  // namespace bench
