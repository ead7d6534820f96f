#include "measure.hpp"

#include <cstdint>
#include <ranges>

#include "row.hpp"
#include "workload.hpp"

using namespace concurrent;

/// The baseline itself: does it cost anything over the loop that you would have written?
void bench::rows() {
  constexpr int items = 10;
  constexpr std::int64_t steps = 1'000'000;

  row("an item/sequential", items, [] {
    for (int item = 1; item <= items; ++item) benchmark::DoNotOptimize(count(item, steps));
  });
  row("an item/run_sequential", items, [] {
    benchmark::DoNotOptimize(
        run_sequential(std::views::iota(1, items + 1), [](int item) { return count(item, steps); }));
  });
  row("a measurement/sequential", 1, [] { benchmark::DoNotOptimize(count(1, 1'000)); });
  row("a measurement/measure", 1,
      [] { benchmark::DoNotOptimize(measure([] { benchmark::DoNotOptimize(count(1, 1'000)); })); });
}
