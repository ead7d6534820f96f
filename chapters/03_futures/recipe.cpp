// The cookbook's first recipe: ten items, one after another and on a pool of threads.

#include <future.hpp>  // yours or the reference's: "future.hpp" would always be the one in this folder
#include <measure.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <ranges>
#include <string>
#include <thread>
#include <vector>

#include "recipe.hpp"
#include "timeline.hpp"
#include "workload.hpp"

using namespace concurrent;

namespace {

struct Answer {
  std::int64_t item;
  std::int64_t result;
};

auto items_up_to(std::int64_t last) { return std::views::iota(std::int64_t{1}, last + 1); }

void print(const Answer& answer) {
  print_line("item " + std::to_string(answer.item) + " result " + std::to_string(answer.result));
}

/// Prints a section of the recipe: the lines that `run` prints, and what they took.
template <class F>
Elapsed section(const std::string& title, F run) {
  print_line(title + ":");
  const Elapsed elapsed = measure(run);
  print_line(title + " in " + column(std::chrono::duration<double>(elapsed.wall).count(), 0, 3) +
             " seconds\n");
  return elapsed;
}

void print_gain(const Elapsed& sequential, const Elapsed& pool, int workers) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const double times = speedup(sequential, pool);
  print_line("Speed-up over sequential execution: " + column(times, 0, 2));
  print_line("Efficiency: " + column(efficiency(times, cores), 0, 2) + " per core (" + std::to_string(cores) +
             "), " + column(efficiency(times, workers), 0, 2) + " per worker (" + std::to_string(workers) +
             ")\n");
}

void show(const Timeline& timeline, const std::string& title) {
  const std::filesystem::path folder = "build/recipe-03";
  print_line(title + ":");
  std::fputs(timeline.text().c_str(), stdout);
  timeline.write_svg(folder / "timeline.svg", title);
  timeline.write_chrome_trace(folder / "trace.json");
  print_line("\nThe timeline as a picture:  " + (folder / "timeline.svg").string());
  print_line("… for ui.perfetto.dev:      " + (folder / "trace.json").string());
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // each line is one write, also into a pipe
  std::int64_t workers = 5;
  std::int64_t items = 10;
  std::int64_t steps = count_steps;
  const RecipeOptions options(
      "Counts for each item, one after another and on a pool of threads, and compares.",
      {{"--workers", "threads of the pool (default 5)", workers, 1, 1'000},
       {"--items", "items 1 to N (default 10)", items, 1, 100'000},
       {"--steps", "count to N for each (default 10000000)", steps, 1, 1'000'000'000'000}});
  return recipe(argc, argv, options, [&] {
    const auto evaluate = [=](std::int64_t item) { return Answer{item, count(item, steps)}; };

    const Elapsed sequential = section("Sequential execution", [&] {
      run_sequential(items_up_to(items), [&](std::int64_t item) { print(evaluate(item)); });
    });

    Timeline timeline;
    const Elapsed pool = section("Thread pool execution", [&] {
      ThreadPoolExecutor executor{{.max_workers = static_cast<int>(workers), .thread_name_prefix = "worker"}};
      std::vector<Future<Answer>> futures;
      for (const std::int64_t item : items_up_to(items))
        futures.push_back(executor.submit(
            [&](std::int64_t item) {
              return timeline.record(std::to_string(item), [&] { return evaluate(item); });
            },
            item));
      for (const Future<Answer>& future : as_completed(futures)) print(future.result());
    });

    print_gain(sequential, pool, static_cast<int>(workers));
    show(timeline, "The pool's workers");
  });
}
