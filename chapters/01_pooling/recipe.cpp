// The cookbook's ten items: one after another, on a thread each, and on a pool.

#include <measure.hpp>
#include <thread_pool.hpp>  // yours or the reference's: "thread_pool.hpp" would always be the one in this folder

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <ranges>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "recipe.hpp"
#include "timeline.hpp"
#include "workload.hpp"

using namespace concurrent;

namespace {

constexpr std::int64_t item_count = 10;

/// A section of the recipe: what it took, and on how many threads of its own.
struct Section {
  std::string name;
  Elapsed elapsed;
  std::size_t threads = 0;
};

Section one_by_one(std::int64_t steps) {
  const auto run = [=] {
    run_sequential(std::views::iota(std::int64_t{1}, item_count + 1),
                   [=](std::int64_t item) { return count(item, steps); });
  };
  return {"sequential", measure(run)};
}

Section thread_per_item(std::int64_t steps) {
  const auto run = [=] {
    std::vector<std::jthread> threads;
    for (std::int64_t item = 1; item <= item_count; ++item) threads.emplace_back([=] { count(item, steps); });
  };
  return {"a thread per item", measure(run), static_cast<std::size_t>(item_count)};
}

/// Runs `work(item)` for each item on a pool, and waits for all of them.
template <class F>
Section on_pool(int workers, F work) {
  Section section{"ThreadPool, " + std::to_string(workers) + (workers == 1 ? " worker" : " workers"), {}};
  section.elapsed = measure([&] {
    ThreadPool pool{{.max_workers = workers, .thread_name_prefix = "worker"}};
    for (std::int64_t item = 1; item <= item_count; ++item) pool.post([&work, item] { work(item); });
    pool.shutdown();
    section.threads = pool.threads_started();
  });
  return section;
}

void print_table(const std::vector<Section>& sections) {
  print_line("                         seconds   speed-up   threads");
  for (const Section& section : sections) {
    std::string name = section.name;
    name.resize(22, ' ');
    const double seconds = std::chrono::duration<double>(section.elapsed.wall).count();
    print_line(name + column(seconds, 10, 3) +
               column(speedup(sections.front().elapsed, section.elapsed), 11, 2) +
               column(static_cast<double>(section.threads), 10, 0));
  }
}

void write_pictures(const Timeline& timeline, const std::string& title) {
  const std::filesystem::path folder = "build/recipe-01";
  timeline.write_svg(folder / "timeline.svg", title);
  timeline.write_chrome_trace(folder / "trace.json");
  print_line("\nThe timeline as a picture:  " + (folder / "timeline.svg").string());
  print_line("… for ui.perfetto.dev:      " + (folder / "trace.json").string());
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t workers = 0;
  std::int64_t steps = count_steps;
  const RecipeOptions options(
      "Counts for ten items: one after another, on a thread each, and on a pool.",
      {{"--workers", "a pool of N workers only (default: 1, 2 and 5)", workers, 1, 1'000},
       {"--steps", "count to N for each (default 10000000)", steps, 1, 1'000'000'000'000}});
  return recipe(argc, argv, options, [&] {
    const std::vector<int> sizes = workers ? std::vector{static_cast<int>(workers)} : std::vector{1, 2, 5};
    std::vector<Section> sections{one_by_one(steps), thread_per_item(steps)};
    for (const int size : sizes) sections.push_back(on_pool(size, [=](auto item) { count(item, steps); }));

    // The last pool once more, to be seen at work: drawing and printing would only blur the measurement.
    Timeline timeline;
    const Section shown = on_pool(sizes.back(), [&](std::int64_t item) {
      const auto result = timeline.record(std::to_string(item), [=] { return count(item, steps); });
      print_line("item " + std::to_string(item) + " result " + std::to_string(result));
    });
    print_line("");
    print_table(sections);
    print_line("\n" + shown.name + ":");
    std::fputs(timeline.text().c_str(), stdout);
    write_pictures(timeline, shown.name);
  });
}
