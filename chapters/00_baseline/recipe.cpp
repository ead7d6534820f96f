// The baseline: the cookbook's ten items, one after another, and what a second core could do about it.

#include <measure.hpp>  // yours or the reference's: "measure.hpp" would always be the one in this folder

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ranges>
#include <string>
#include <thread>

#include "recipe.hpp"
#include "workload.hpp"

using namespace concurrent;

namespace {

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::string plural(std::int64_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

Elapsed run_items(std::int64_t items, std::int64_t steps) {
  return measure([=] {
    run_sequential(std::views::iota(std::int64_t{1}, items + 1), [=](std::int64_t item) {
      print_line("item " + std::to_string(item) + " result " + std::to_string(count(item, steps)));
    });
  });
}

void promise(const Elapsed& sequential, int cores) {
  print_line("Amdahl's law on " + plural(cores, "core") + ":");
  print_line("  in parallel   speed-up   efficiency   seconds");
  for (const double share : {0.0, 0.5, 0.9, 0.99, 1.0}) {
    const double most = amdahl(share, cores);
    print_line(column(100 * share, 11, 0) + " %" + column(most, 11, 2) +
               column(efficiency(most, cores), 13, 2) + column(seconds(sequential.wall) / most, 10, 3));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t items = 10;
  std::int64_t steps = count_steps;
  const RecipeOptions options(
      "Counts, item after item: the sequential baseline.",
      {{"--items", "items 1…N (default 10)", items, 1, 1'000'000},
       {"--steps", "count to N for each (default 10000000)", steps, 1, 1'000'000'000'000}});
  return recipe(argc, argv, options, [&] {
    const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    const Elapsed elapsed = run_items(items, steps);
    print_line("sequential execution in " + column(seconds(elapsed.wall), 0, 3) + " seconds, " +
               column(seconds(elapsed.cpu), 0, 3) + " of them on the processor\n");
    promise(elapsed, cores);
  });
}
