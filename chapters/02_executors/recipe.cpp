// The cookbook's ten items through one call of parallel_for(), on one engine after another.

#include <executor.hpp>  // yours or the reference's: "executor.hpp" would always be the one in this folder
#include <measure.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include "recipe.hpp"
#include "timeline.hpp"
#include "workload.hpp"

using namespace concurrent;

namespace {

/// What one engine made of the ten items.
struct Run {
  std::string name, file;
  std::unique_ptr<Timeline> timeline = std::make_unique<Timeline>();
  Elapsed elapsed{};
};

class Recipe {
 public:
  explicit Recipe(std::int64_t steps) : steps_(steps) {}

  /// Works on the items, and prints what it took and the timeline.
  void run_on(Executor& executor, std::string name, std::string file) {
    Run run{.name = std::move(name), .file = std::move(file)};
    const auto work = [&](int item) {
      run.timeline->record(std::to_string(item), [&] { return count(item, steps_); });
    };
    run.elapsed = measure([&] { parallel_for(executor, std::views::iota(1, 11), work); });
    runs_.push_back(std::move(run));

    const Run& done = runs_.back();
    const double seconds = std::chrono::duration<double>(done.elapsed.wall).count();
    print_line(left_aligned(done.name, 30) + column(seconds, 7, 3) + " s   speed-up " +
               column(speedup(runs_.front().elapsed, done.elapsed), 0, 2));
    print_line(done.timeline->text());
  }

  /// Writes the pictures, all to the scale of the slowest run.
  void draw(const std::filesystem::path& folder) const {
    std::chrono::nanoseconds longest{};
    for (const Run& run : runs_)
      for (const Recorded& span : run.timeline->spans()) longest = std::max(longest, span.end);
    print_line("A picture of each run, and a trace for https://ui.perfetto.dev:");
    for (const Run& run : runs_) {
      const auto svg = folder / (run.file + ".svg"), trace = folder / (run.file + ".json");
      run.timeline->write_svg(svg, "Ten items, " + run.name, {.until = longest});
      run.timeline->write_chrome_trace(trace);
      print_line("  " + left_aligned(svg.string(), 28) + trace.string());
    }
  }

 private:
  const std::int64_t steps_;
  std::vector<Run> runs_;
};

void cook(std::int64_t steps) {
  Recipe recipe(steps);
  InlineExecutor in_line;
  recipe.run_on(in_line, "InlineExecutor", "inline");
  for (const int workers : {1, 2, 5}) {
    ThreadPoolExecutor pool{{.max_workers = workers, .thread_name_prefix = "worker"}};
    const std::string number = std::to_string(workers);
    recipe.run_on(pool, "ThreadPoolExecutor, " + number + (workers == 1 ? " worker" : " workers"),
                  "pool-" + number);
  }
  ThreadPoolExecutor pool{{.max_workers = 5, .thread_name_prefix = "worker"}};
  SerialExecutor strand(pool);
  recipe.run_on(strand, "SerialExecutor on 5 workers", "serial");
  recipe.draw("build/recipe-02");
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t steps = count_steps;
  return recipe(
      argc, argv,
      {"The cookbook's ten items on one engine after another, through the same call of parallel_for().",
       {{"--steps", "how far each item counts", steps, 1, 1'000'000'000'000}}},
      [&] { cook(steps); });
}
