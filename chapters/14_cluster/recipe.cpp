// The cookbook's first recipe: ten items, one after another, and on the ranks of a cluster.

#include <mpi_executor.hpp>  // yours or the reference's: "mpi_executor.hpp" would always be the one in this folder

#include <cstdint>
#include <string>
#include <vector>

#include "pooling_recipe.hpp"

using namespace concurrent;

namespace {

/// What a call gives: the result, and who worked on it and when. (On several machines each has its own clock:
/// then the lanes of the timeline are shifted against each other.)
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
  const MpiWorld& world = MpiWorld::get();
  Answer answer{.item = item,
                .worker = "rank " + std::to_string(world.rank()) + " on " + world.host(),
                .begin = Timeline::Clock::now(),
                .end = {}};
  answer.result = count(item, steps);
  answer.end = Timeline::Clock::now();
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  MpiPoolExecutor pool;  // first of all: in here the other ranks work
  const char* const about =
      "Counts for each item, one after another and on the ranks that mpirun has started.";
  return pooling_recipe(argc, argv, about, [&](const PoolingOptions& options) {
    const Elapsed sequential = sequential_section(options);

    Timeline timeline;
    const Elapsed ranks = section("Execution on " + std::to_string(pool.num_workers()) + " ranks", [&] {
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
    });

    print_gain("the ranks", sequential, ranks, pool.num_workers());
    show(timeline, "The ranks", "build/recipe-14");
  });
}
