#pragma once

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "row.hpp"
#include "workload.hpp"

namespace bench {

/// How far each item of the recipe is counted, and the group of the rows that do it.
struct Length {
  const char* group;
  std::int64_t steps;
};
inline constexpr Length as_in_the_cookbook{"recipe 1", concurrent::count_steps};
inline constexpr Length ten_times_longer{"recipe 1, ten times longer", 10 * concurrent::count_steps};

/// A row of the cookbook's first recipe: ten items, each counted to ten million or further.
/// @param run gets the number of items and the work, a function of the item's number; returns when all is
/// done
template <class F>
void recipe_1(const std::string& variant, F run, Length length = as_in_the_cookbook) {
  const auto work = [steps = length.steps](int item) {
    benchmark::DoNotOptimize(concurrent::count(item, steps));
  };
  row(std::string(length.group) + "/" + variant, 10, [=] { run(10, work); });
}

/// The baseline: no thread but this one.
inline constexpr auto run_one_by_one = [](int items, auto work) {
  for (int item = 1; item <= items; ++item) work(item);
};

/// The floor: a thread for each core, and this one is the first of them; each takes the next item. Fewer
/// threads would leave a core idle, and without the counter one that is done early would be. The rest is the
/// work itself.
inline void recipe_1_by_hand(Length length = as_in_the_cookbook) {
  recipe_1(
      "floor: a thread per core",
      [](int items, auto work) {
        std::atomic<int> taken = 0;
        const auto run = [&] {
          for (int item; (item = ++taken) <= items;) work(item);
        };
        std::vector<std::jthread> others;
        for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) others.emplace_back(run);
        run();
      },
      length);
}

}  // namespace bench
