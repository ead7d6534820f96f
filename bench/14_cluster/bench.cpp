#include "mpi_executor.hpp"

#include <mpi.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <ranges>
#include <string>
#include <system_error>
#include <vector>

#include "empty_job.hpp"
#include "process_pool.hpp"
#include "recipe_1.hpp"
#include "row.hpp"
#include "trivial_calls.hpp"
#include "workload.hpp"

using namespace concurrent;

namespace {

int identity(int number) { return number; }

/// Starts this program anew, in so many ranks, unless mpirun has started it already.
void run_in_ranks(int ranks) {
  if (std::getenv("OMPI_COMM_WORLD_RANK")) return;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string arguments(std::istreambuf_iterator<char>(file), {});
  std::vector<std::string> words{"mpirun", "--allow-run-as-root", "--oversubscribe", "-n",
                                 std::to_string(ranks)};
  for (const auto word : std::views::split(arguments, '\0'))
    if (!word.empty()) words.emplace_back(word.begin(), word.end());
  words[5] = std::filesystem::read_symlink("/proc/self/exe");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  throw std::system_error(errno, std::generic_category(), "mpirun");
}

/// A batch that is done again and again, on a pool that stays.
/// @param make gives the pool
template <class Make, class F>
auto on_pool(Make make, F batch) {
  return [=] {
    std::shared_ptr pool = make();
    // The workers begin, and the system finds out which of all these processes share a core: that takes it
    // 0.3 s.
    for (int i = 0; i < 5'000; ++i) benchmark::DoNotOptimize(pool->submit(identity, i).result());
    return [=] { batch(*pool); };
  };
}
auto ranks(int workers) {
  return [=] { return std::make_shared<MpiPoolExecutor>(MpiPoolOptions{.max_workers = workers}); };
}
auto processes(int workers) {
  return [=] { return std::make_shared<ProcessPoolExecutor>(ProcessPoolOptions{.max_workers = workers}); };
}

constexpr int echo_tag = 1'000;

/// Sends back what rank 0 sends, until that is nothing.
void echo() {
  std::vector<char> bytes(2'000'000);
  for (int size = 1; size > 0;) {
    MPI_Status status;
    MPI_Recv(bytes.data(), static_cast<int>(bytes.size()), MPI_CHAR, 0, echo_tag, MPI_COMM_WORLD, &status);
    MPI_Get_count(&status, MPI_CHAR, &size);
    MPI_Send(bytes.data(), size, MPI_CHAR, 0, echo_tag, MPI_COMM_WORLD);
  }
}

/// Rank 1 as MPI's own calls reach it: what any pool must pay at least.
class Echo {
 public:
  explicit Echo(std::size_t size) : bytes_(size) {
    MpiPoolExecutor pool({.max_workers = 1});
    pool.submit(identity, 1).result();  // rank 1 is there
    const auto run = [] { echo(); };
    MpiWorld::get().send(1, static_cast<int>(MpiTag::call),
                         to_bytes(CallHeader{.id = RemoteFunction<decltype(run)>::id}, std::int64_t{0}));
  }
  ~Echo() {
    bytes_.clear();
    there_and_back();
    while (!MpiWorld::get().try_receive()) continue;  // the answer to the call
  }

  void there_and_back() {
    MPI_Send(bytes_.data(), static_cast<int>(bytes_.size()), MPI_CHAR, 1, echo_tag, MPI_COMM_WORLD);
    MPI_Recv(bytes_.data(), static_cast<int>(bytes_.size()), MPI_CHAR, 1, echo_tag, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
  }

 private:
  std::vector<char> bytes_;
};

template <class Pool>
void trivial_calls(Pool& pool, int calls, std::size_t chunksize) {
  for (int value : pool.map(identity, std::views::iota(0, calls), {.chunksize = chunksize}))
    benchmark::DoNotOptimize(value);
}

}  // namespace

void bench::rows() {
  run_in_ranks(6);
  MpiPoolExecutor();  // the other ranks work from here on

  recipe_1("sequential", run_one_by_one, ten_times_longer);
  row(std::string(ten_times_longer.group) + "/5 ranks", 10, on_pool(ranks(5), [](auto& pool) {
        const auto work = [](int item) { return count(item, ten_times_longer.steps); };
        for (auto result : pool.map(work, std::views::iota(1, 11))) benchmark::DoNotOptimize(result);
      }));

  const std::string one_by_one = "a call and its result, one by one";
  row(one_by_one + "/sequential", few, [] {
    for (int i = 0; i < few; ++i) benchmark::DoNotOptimize(identity(i));
  });
  row(one_by_one + "/MPI_Send and MPI_Recv", few, [] {
    return [echo = std::make_shared<Echo>(64)] {
      for (int i = 0; i < few; ++i) echo->there_and_back();
    };
  });
  const auto calls = [](auto& pool) {
    for (int i = 0; i < few; ++i) benchmark::DoNotOptimize(pool.submit(identity, i).result());
  };
  row(one_by_one + "/1 rank", few, on_pool(ranks(1), calls));
  row(one_by_one + "/1 process", few, on_pool(processes(1), calls));

  constexpr int megabytes = 20;
  row("a megabyte there and back/MPI_Send and MPI_Recv", megabytes, [] {
    return [echo = std::make_shared<Echo>(1'000'000)] {
      for (int i = 0; i < megabytes; ++i) echo->there_and_back();
    };
  });
  row("a megabyte there and back/1 rank", megabytes,
      on_pool(ranks(1), [bytes = Bytes(1'000'000, 'x')](auto& pool) {
        for (int i = 0; i < megabytes; ++i)
          benchmark::DoNotOptimize(pool.submit([](Bytes bytes) { return bytes; }, bytes).result());
      }));

  for (const std::size_t chunksize : {1, 64}) {
    const std::string& group = chunksize == 1 ? trivial_calls_one_by_one : trivial_calls_in_chunks;
    const int number = chunksize == 1 ? many_calls : many_calls_in_chunks;
    row(group + "/sequential", number, [=] {
      for (int i = 0; i < number; ++i) benchmark::DoNotOptimize(identity(i));
    });
    const auto batch = [=](auto& pool) { trivial_calls(pool, number, chunksize); };
    row(group + "/2 ranks", number, on_pool(ranks(2), batch));
    row(group + "/2 processes", number, on_pool(processes(2), batch));
  }
}
