// The cookbook's first recipe: ten items, one after another, on a pool of threads and on a pool of processes.

#include <process_pool.hpp>  // yours or the reference's: "process_pool.hpp" would always be the one in this folder

#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "pooling_recipe.hpp"
#include "thread_name.hpp"

using namespace concurrent;

namespace {

/// What a call gives: the result, and who worked on it and when. It crosses from process to process as it is,
/// for all processes of a machine share this clock.
struct Answer {
  std::int64_t item = 0;
  std::int64_t result = 0;
  std::string worker;
  Timeline::Clock::time_point begin, end;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(item, result, worker, begin, end);
  }
};

Answer evaluate(std::int64_t item, std::int64_t steps) {
  Answer answer{.item = item, .worker = thread_name(), .begin = Timeline::Clock::now(), .end = {}};
  answer.result = count(item, steps);
  answer.end = Timeline::Clock::now();
  return answer;
}

/// Prints and records each item when the pool, of whatever kind, is done with it.
template <class Pool>
void work_on(Pool& pool, const PoolingOptions& options, Timeline& timeline) {
  std::vector<Future<Answer>> futures;
  for (const std::int64_t item : options.all_items())
    futures.push_back(pool.submit(evaluate, item, options.steps));
  for (const auto& future : as_completed(futures)) {
    const Answer& answer = future.result();
    print_item(answer.item, answer.result);
    timeline.add({.name = std::to_string(answer.item),
                  .lane = answer.worker,
                  .begin = timeline.at(answer.begin),
                  .end = timeline.at(answer.end)});
  }
}

}  // namespace

int main(int argc, char** argv) {
  const char* const about =
      "Counts for each item, one after another, on a pool of threads and on a pool of processes.";
  return pooling_recipe(argc, argv, about, [](const PoolingOptions& options) {
    const int workers = static_cast<int>(options.workers);
    const Elapsed sequential = sequential_section(options);

    Timeline timeline;
    const Elapsed threads = section("Thread pool execution", [&] {
      ThreadPoolExecutor pool{{.max_workers = workers, .thread_name_prefix = "thread"}};
      work_on(pool, options, timeline);
    });
    const Elapsed processes = section("Process pool execution", [&] {
      ProcessPoolExecutor pool{{.max_workers = workers, .initializer = [] {
                                  set_thread_name("worker " + std::to_string(::getpid()));
                                }}};
      work_on(pool, options, timeline);
    });

    print_gain("the thread pool", sequential, threads, workers);
    print_gain("the process pool", sequential, processes, workers);
    show(timeline, "The threads, and then the worker processes", "build/recipe-04");
  });
}
