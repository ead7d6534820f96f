// Merge sort: one after another, and split by fork_join() until the pieces are small.

#include <fork_join.hpp>  // yours or the reference's: "fork_join.hpp" would always be the one in this folder
#include <measure.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "recipe.hpp"
#include "timeline.hpp"

using namespace concurrent;

namespace {

using Numbers = std::vector<std::uint32_t>;

Numbers random_numbers(std::int64_t count) {
  std::mt19937 random(1);
  Numbers numbers(static_cast<std::size_t>(count));
  std::ranges::generate(numbers, std::ref(random));
  return numbers;
}

/// Sorts by halves: `both(f, g)` calls two functions, and `leaf(f)` one that sorts a small piece.
template <class Both, class Leaf>
void sort_halves(std::span<std::uint32_t> numbers, std::size_t small, Both& both, Leaf& leaf) {
  if (numbers.size() <= small) return leaf([&] { std::ranges::sort(numbers); });
  const std::size_t half = numbers.size() / 2;
  both([&] { sort_halves(numbers.first(half), small, both, leaf); },
       [&] { sort_halves(numbers.subspan(half), small, both, leaf); });
  std::inplace_merge(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(half), numbers.end());
}

void print_row(const std::string& name, const Elapsed& elapsed, const Elapsed& baseline) {
  std::string text = name;
  text.resize(32, ' ');
  print_line(text + column(std::chrono::duration<double>(elapsed.wall).count(), 9, 3) +
             column(speedup(baseline, elapsed), 11, 2));
}

void show(const Timeline& timeline, const std::string& title) {
  const std::filesystem::path folder = "build/recipe-05";
  print_line("\n" + title + ":");
  std::fputs(timeline.text().c_str(), stdout);
  timeline.write_svg(folder / "timeline.svg", title);
  timeline.write_chrome_trace(folder / "trace.json");
  print_line("\nThe timeline as a picture:  " + (folder / "timeline.svg").string());
  print_line("… for ui.perfetto.dev:      " + (folder / "trace.json").string());
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t workers = 2;
  std::int64_t count = 4'000'000;
  std::int64_t pieces = 16;
  const RecipeOptions options(
      "Sorts numbers: one piece after another, and by workers that steal.",
      {{"--workers", "threads of the executor (default 2)", workers, 1, 1'000},
       {"--numbers", "how many to sort (default 4000000)", count, 1, 1'000'000'000},
       {"--pieces", "sort so many pieces, then merge (default 16)", pieces, 1, 1'000'000}});
  return recipe(argc, argv, options, [&] {
    const Numbers numbers = random_numbers(count);
    const auto small = static_cast<std::size_t>(std::max<std::int64_t>((count + pieces - 1) / pieces, 1));
    const auto call = [](auto f) { f(); };

    Numbers one_by_one = numbers;
    const auto one_then_other = [](auto f, auto g) {
      f();
      g();
    };
    const Elapsed sequential = measure([&] { sort_halves(one_by_one, small, one_then_other, call); });

    WorkStealingExecutor executor{{.max_workers = static_cast<int>(workers), .thread_name_prefix = "worker"}};
    const auto at_the_same_time = [&](auto f, auto g) { fork_join(executor, f, g); };
    Numbers forked = numbers;
    const Elapsed stolen = measure([&] { sort_halves(forked, small, at_the_same_time, call); });

    // Once more, to be seen at work: drawing would only blur the measurement.
    Timeline timeline;
    std::atomic<int> next = 0;
    Numbers drawn = numbers;
    const auto record = [&](auto f) { timeline.record(std::to_string(++next), f); };
    sort_halves(drawn, small, at_the_same_time, record);

    print_line("                                  seconds   speed-up");
    print_row("one after another", sequential, sequential);
    print_row("fork_join, " + std::to_string(workers) + (workers == 1 ? " worker" : " workers"), stolen,
              sequential);
    print_line(
        std::string("\nall three are sorted: ") +
        (std::ranges::is_sorted(one_by_one) && forked == one_by_one && drawn == one_by_one ? "yes" : "NO"));
    show(timeline, "Who sorted which piece");
  });
}
