#include "future.hpp"

#include <future>
#include <ranges>
#include <string>
#include <vector>

#include "empty_job.hpp"
#include "hand_over.hpp"
#include "recipe_1.hpp"
#include "row.hpp"
#include "submit_all.hpp"

using namespace concurrent;

namespace {

int identity(int number) { return number; }

/// The recipe through map().
auto on_executor(int workers) {
  return [=](int items, auto work) {
    ThreadPoolExecutor executor({.max_workers = workers});
    for (auto done : executor.map(work, std::views::iota(1, items + 1))) benchmark::DoNotOptimize(done);
  };
}

}  // namespace

void bench::rows() {
  recipe_1("sequential", run_one_by_one);
  for (int workers : {1, 2, 5})
    recipe_1("ThreadPoolExecutor, " + workers_text(workers), on_executor(workers));
  recipe_1_by_hand();

  recipe_1("sequential", run_one_by_one, ten_times_longer);
  for (int workers : {2, 5})
    recipe_1("ThreadPoolExecutor, " + workers_text(workers), on_executor(workers), ten_times_longer);
  recipe_1_by_hand(ten_times_longer);

  row("submit, then all results/sequential", many, [] {
    std::vector<int> results;
    results.reserve(many);
    for (int i = 0; i < many; ++i) results.push_back(identity(i));
    long sum = 0;
    for (int result : results) sum += result;
    benchmark::DoNotOptimize(sum);
  });
  row("submit, then all results/std::async", few,
      [] { submit_all(few, [](int i) { return std::async(std::launch::async, identity, i); }); });
  row("submit, then all results/InlineExecutor", many, [] {
    InlineExecutor executor;
    submit_all(many, [&](int i) { return executor.submit(identity, i); });
  });
  for (int workers : {1, 2, 5})
    row("submit, then all results/ThreadPoolExecutor, " + workers_text(workers), many, [=] {
      ThreadPoolExecutor executor({.max_workers = workers});
      submit_all(many, [&](int i) { return executor.submit(identity, i); });
    });
  submit_all_by_hand(identity);

  row("submit and result, one by one/sequential", few, [] {
    for (int i = 0; i < few; ++i) benchmark::DoNotOptimize(identity(i));
  });
  row("submit and result, one by one/std::async", few, [] {
    for (int i = 0; i < few; ++i) benchmark::DoNotOptimize(std::async(std::launch::async, identity, i).get());
  });
  row("submit and result, one by one/ThreadPoolExecutor, 1 worker", few, [] {
    return [executor = std::make_shared<ThreadPoolExecutor>(ThreadPoolOptions{.max_workers = 1})] {
      for (int i = 0; i < few; ++i) benchmark::DoNotOptimize(executor->submit(identity, i).result());
    };
  });
  two_atomics("submit and result, one by one", few);
}
