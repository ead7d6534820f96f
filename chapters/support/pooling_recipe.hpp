#pragma once

#include <measure.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <ranges>
#include <string>
#include <string_view>
#include <thread>

#include "recipe.hpp"
#include "timeline.hpp"
#include "workload.hpp"

/// Shared by the recipes that work on the cookbook's ten items, first one after another, then on pools.
namespace concurrent {

/// The options of such a recipe.
struct PoolingOptions {
  std::int64_t workers = 5;
  std::int64_t items = 10;
  std::int64_t steps = count_steps;

  /// Returns the items, numbered from 1.
  [[nodiscard]] auto all_items() const { return std::views::iota(std::int64_t{1}, items + 1); }
};

/// The main function of such a recipe: reads the options, then calls `run(options)`.
/// @param about what the recipe does, in a sentence
template <class F>
int pooling_recipe(int argc, char** argv, std::string_view about, F run) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // each line is one write, also into a pipe
  PoolingOptions options;
  return recipe(
      argc, argv,
      RecipeOptions(about, {{"--workers", "workers of a pool (default 5)", options.workers, 1, 1'000},
                            {"--items", "items 1 to N (default 10)", options.items, 1, 100'000},
                            {"--steps", "count to N for each (default 10000000)", options.steps, 1,
                             1'000'000'000'000}}),
      [&] { run(options); });
}

inline void print_item(std::int64_t item, std::int64_t result) {
  print_line("item " + std::to_string(item) + " result " + std::to_string(result));
}

/// Prints a section of the recipe: its title, the lines that `run` prints, and how long that took.
template <class F>
Elapsed section(const std::string& title, F run) {
  print_line(title + ":");
  const Elapsed elapsed = measure(run);
  print_line(title + " in " + column(std::chrono::duration<double>(elapsed.wall).count(), 0, 3) +
             " seconds\n");
  return elapsed;
}

/// Runs the first section: one item after another.
inline Elapsed sequential_section(const PoolingOptions& options) {
  return section("Sequential execution", [&] {
    run_sequential(options.all_items(),
                   [&](std::int64_t item) { print_item(item, count(item, options.steps)); });
  });
}

/// Prints the speed-up of a pool. @param pool its name in a sentence: "the thread pool"
inline void print_gain(const std::string& pool, const Elapsed& sequential, const Elapsed& elapsed,
                       std::int64_t workers) {
  const int cores = number_of_cores();
  const double times = speedup(sequential, elapsed);
  print_line("Speed-up of " + pool + " over sequential execution: " + column(times, 0, 2));
  print_line("Efficiency: " + column(efficiency(times, cores), 0, 2) + " per core (" + std::to_string(cores) +
             "), " + column(efficiency(times, static_cast<int>(workers)), 0, 2) + " per worker (" +
             std::to_string(workers) + ")\n");
}

/// Prints the timeline, and writes its pictures into a folder.
inline void show(const Timeline& timeline, const std::string& title, const std::filesystem::path& folder) {
  print_line(title + ":");
  std::fputs(timeline.text().c_str(), stdout);
  timeline.write_svg(folder / "timeline.svg", title);
  timeline.write_chrome_trace(folder / "trace.json");
  print_line("\nThe timeline as a picture:  " + (folder / "timeline.svg").string());
  print_line("… for ui.perfetto.dev:      " + (folder / "trace.json").string());
}

}  // namespace concurrent
