// The cookbook's fifth recipe: two coroutines, and the futures that they set. And ten downloads, written
// three ways.

#include <composition.hpp>  // yours or the reference's: "composition.hpp" would always be the one in this folder

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "downloads.hpp"
#include "downloads_callbacks.hpp"
#include "downloads_coroutines.hpp"
#include "downloads_group.hpp"
#include "recipe.hpp"
#include "timeline.hpp"

using namespace concurrent;
using asyncio::Coro;
using asyncio::EventLoop;
using asyncio::Task;

namespace {

using Unit = std::chrono::nanoseconds;
using Result = asyncio::Future<std::string>;

// ---- The cookbook's

/// A number of any size: nine digits in each part, the last first.
class BigNumber {
 public:
  BigNumber& operator*=(std::uint64_t factor) {  // below 10^9
    std::uint64_t carry = 0;
    for (std::uint64_t& part : parts_) {
      carry += part * factor;
      part = carry % base;
      carry /= base;
    }
    if (carry > 0) parts_.push_back(carry);
    return *this;
  }

  [[nodiscard]] std::string text() const {
    std::string text = std::to_string(parts_.back());
    for (std::size_t i = parts_.size() - 1; i-- > 0;) {
      const std::string digits = std::to_string(parts_[i]);
      text += std::string(9 - digits.size(), '0') + digits;
    }
    return text;
  }

 private:
  static constexpr std::uint64_t base = 1'000'000'000;
  std::vector<std::uint64_t> parts_{1};
};

Coro<> first_coroutine(Result future, std::int64_t number, Unit unit) {
  std::int64_t sum = 0;
  for (std::int64_t i = 1; i <= number; ++i) sum += i;
  co_await asyncio::sleep(3 * unit);
  future.set_result("first coroutine (sum of N integers) result = " + std::to_string(sum));
}

Coro<> second_coroutine(Result future, std::int64_t number, Unit unit) {
  BigNumber product;
  for (std::int64_t i = 2; i <= number; ++i) product *= static_cast<std::uint64_t>(i);
  co_await asyncio::sleep(4 * unit);
  future.set_result("second coroutine (factorial) result = " + product.text());
}

void got_result(const Result& future) {
  print_line(future.result());
  std::fflush(stdout);
}

void two_futures(std::int64_t n1, std::int64_t n2, Unit unit) {
  EventLoop loop;
  Result future1 = loop.create_future<std::string>();
  Result future2 = loop.create_future<std::string>();
  const std::vector<Task<>> tasks{loop.create_task(first_coroutine(future1, n1, unit)),
                                  loop.create_task(second_coroutine(future2, n2, unit))};
  future1.add_done_callback(got_result);
  future2.add_done_callback(got_result);
  loop.run_until_complete(asyncio::wait(tasks));
  loop.close();
}

// ---- Ours

/// A way to write the downloads.
struct Way {
  std::string name;
  std::string source;
  void (*run)(const downloads::Job& job, downloads::Table& table);
};

const std::vector<Way> ways{
    {"callbacks", downloads::by_callbacks::source,
     [](const downloads::Job& job, downloads::Table& table) {
       EventLoop loop;
       downloads::by_callbacks::Downloads(loop, job, table).run();
     }},
    {"coroutines", downloads::by_coroutines::source,
     [](const downloads::Job& job, downloads::Table& table) {
       asyncio::run(downloads::by_coroutines::run(job, table));
     }},
    {"group", downloads::by_group::source,
     [](const downloads::Job& job, downloads::Table& table) {
       asyncio::run(downloads::by_group::run(job, table));
     }},
};

struct Asked {
  std::string way;  // or "all"
  std::int64_t seed = 8;
  std::int64_t full = 0;
};

void print_table(const downloads::Table& table) {
  print_line("file  attempts  result");
  for (std::size_t file = 0; file < table.size(); ++file) {
    const auto& [attempts, outcome] = table[file];
    const std::string unknown = attempts > 0 ? "given up" : "not begun";
    print_line(column(static_cast<double>(file + 1), 4, 0) + column(attempts, 10, 0) + "  " +
               (outcome.empty() ? unknown : outcome));
  }
}

void download(const Asked& asked, Unit unit) {
  Timeline timeline;
  std::optional<downloads::Table> first;
  std::string summary;
  for (const Way& way : ways) {
    if (asked.way != "all" && asked.way != way.name) continue;
    const downloads::Job job(static_cast<std::uint32_t>(asked.seed), unit, asked.full, timeline, way.name);
    downloads::Table table;
    const auto begin = std::chrono::steady_clock::now();
    try {
      way.run(job, table);
    } catch (const std::exception& error) {
      print_line(way.name + ": " + error.what());
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    if (first != table) print_table(table);
    first = table;
    const std::optional<int> lines = downloads::lines_of_code(way.source);
    std::string name = way.name;
    name.resize(12, ' ');
    summary += name + column(time / unit, 5, 1) + " units" +
               (lines ? column(*lines, 5, 0) + " lines of code" : "") + "\n";
  }
  const std::filesystem::path folder = "build/recipe-10";
  timeline.write_svg(folder / "timeline.svg", "Ten downloads, three at a time");
  timeline.write_chrome_trace(folder / "trace.json");
  print_line("\n" + summary + "\n" + timeline.text());
  print_line("Waiting was in vain: it failed, took too long, or was cancelled.\n");
  print_line("The timeline as a picture:  " + (folder / "timeline.svg").string());
  print_line("… for ui.perfetto.dev:      " + (folder / "trace.json").string());
}

}  // namespace

int main(int argc, char** argv) {
  Unit unit = std::chrono::seconds(1);
  std::int64_t n1 = 10;
  std::int64_t n2 = 10;
  Asked asked;
  const RecipeOptions options(
      "Two coroutines and their futures: the sum of the numbers to N1 after 3 seconds, N2! after 4.",
      {{"N1", "(default 10)", n1, 0, 1'000'000'000},
       {"N2", "(default 10)", n2, 0, 10'000},
       {"--unit", "stands for a second, as in --unit 10ms (default 1s)", unit},
       {"--downloads",
        "instead, ten downloads by callbacks, coroutines, group or all",
        asked.way,
        {"callbacks", "coroutines", "group", "all"}},
       {"--seed", "of the downloads' luck (default 8)", asked.seed, 0, 0xffff'ffff},
       {"--full", "storing this file finds the disk full: the downloads are given up", asked.full, 1,
        static_cast<std::int64_t>(downloads::files)}});
  return recipe(argc, argv, options, [&] {
    if (asked.way.empty())
      two_futures(n1, n2, unit);
    else
      download(asked, unit);
  });
}
