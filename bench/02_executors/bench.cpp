#include "executor.hpp"

#include <ranges>
#include <string>
#include <thread>

#include "empty_job.hpp"
#include "recipe_1.hpp"
#include "row.hpp"

using namespace concurrent;

namespace {

/// The recipe through one function, whatever the engine.
constexpr auto on(auto make_executor) {
  return [=](int items, auto work) {
    auto executor = make_executor();
    parallel_for(executor, std::views::iota(1, items + 1), work);
  };
}

void post_empty_jobs(Executor& executor, int jobs) {
  for (int i = 0; i < jobs; ++i) executor.post(bench::empty_job);
}

}  // namespace

void bench::rows() {
  recipe_1("sequential", run_one_by_one);
  recipe_1("InlineExecutor", on([] { return InlineExecutor(); }));
  for (int workers : {1, 2, 5})
    recipe_1("ThreadPoolExecutor, " + workers_text(workers),
             on([=] { return ThreadPoolExecutor({.max_workers = workers}); }));

  empty_jobs("sequential", many, [](int jobs) {
    for (int i = 0; i < jobs; ++i) empty_job();
  });
  empty_jobs("a thread per job", few, [](int jobs) {
    for (int i = 0; i < jobs; ++i) std::jthread thread(empty_job);
  });
  empty_jobs("InlineExecutor", many, [](int jobs) {
    InlineExecutor executor;
    post_empty_jobs(executor, jobs);
  });
  empty_jobs("ManualExecutor", many, [](int jobs) {
    ManualExecutor executor;
    post_empty_jobs(executor, jobs);
    executor.run_all();
  });
  empty_jobs("ThreadPoolExecutor, 2 workers", many, [](int jobs) {
    ThreadPoolExecutor executor({.max_workers = 2});
    post_empty_jobs(executor, jobs);
  });
  empty_jobs("SerialExecutor on 2 workers", many, [](int jobs) {
    ThreadPoolExecutor executor({.max_workers = 2});
    SerialExecutor strand(executor);
    post_empty_jobs(strand, jobs);
  });
}
