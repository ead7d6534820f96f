// The cookbook's first recipe: ten items, one after another and on a pool of threads.

#include <future.hpp>  // yours or the reference's: "future.hpp" would always be the one in this folder

#include <cstdint>
#include <string>
#include <vector>

#include "pooling_recipe.hpp"

using namespace concurrent;

namespace {

struct Answer {
  std::int64_t item;
  std::int64_t result;
};

}  // namespace

int main(int argc, char** argv) {
  const char* const about = "Counts for each item, one after another and on a pool of threads, and compares.";
  return pooling_recipe(argc, argv, about, [](const PoolingOptions& options) {
    const Elapsed sequential = sequential_section(options);

    Timeline timeline;
    const Elapsed pool = section("Thread pool execution", [&] {
      ThreadPoolExecutor executor{
          {.max_workers = static_cast<int>(options.workers), .thread_name_prefix = "worker"}};
      std::vector<Future<Answer>> futures;
      for (const std::int64_t item : options.all_items())
        futures.push_back(executor.submit(
            [&](std::int64_t item) {
              return timeline.record(std::to_string(item), [&] {
                return Answer{item, count(item, options.steps)};
              });
            },
            item));
      for (const auto& future : as_completed(futures))
        print_item(future.result().item, future.result().result);
    });

    print_gain("the thread pool", sequential, pool, options.workers);
    show(timeline, "The pool's workers", "build/recipe-03");
  });
}
