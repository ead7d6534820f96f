#include "process_pool.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <ranges>
#include <string>

#include "empty_job.hpp"
#include "fd.hpp"
#include "recipe_1.hpp"
#include "row.hpp"
#include "trivial_calls.hpp"
#include "workload.hpp"

using namespace concurrent;

namespace {

int identity(int number) { return number; }

/// A function that a row calls again and again, on a pool that stays.
template <class F>
auto on_pool(int workers, F batch) {
  return [=] {
    auto pool = std::make_shared<ProcessPoolExecutor>(ProcessPoolOptions{.max_workers = workers});
    for (auto value : pool->map(identity, std::views::iota(0, 2 * workers)))  // start the workers
      benchmark::DoNotOptimize(value);
    return [=] { batch(*pool); };
  };
}

/// The recipe through map().
template <std::int64_t steps>
void recipe_1_on_processes(bench::Length length) {
  for (int workers : {1, 2, 5})
    bench::row(std::string(length.group) +
                   (workers == 1 ? "/1 process" : "/" + std::to_string(workers) + " processes"),
               10, on_pool(workers, [](ProcessPoolExecutor& pool) {
                 const auto work = [](int item) { return count(item, steps); };
                 for (auto result : pool.map(work, std::views::iota(1, 11))) benchmark::DoNotOptimize(result);
               }));
}

/// A process at the other end of a socket pair that sends back what it gets: what any pool must pay at least.
class Echo {
 public:
  Echo() {
    std::array<int, 2> ends{};
    checked(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), "socketpair");
    Fd here(ends[0]), there(ends[1]);
    process_ = checked(::fork(), "fork");
    if (process_ == 0) {
      here.close();
      std::array<char, 64> message{};
      while (::read(there.get(), message.data(), message.size()) > 0 &&
             ::write(there.get(), message.data(), message.size()) > 0)
        continue;
      ::_exit(0);
    }
    here_ = std::move(here);
  }
  ~Echo() {
    here_.close();
    ::waitpid(process_, nullptr, 0);
  }

  void there_and_back() {
    std::array<char, 64> message{};
    checked(::write(here_.get(), message.data(), message.size()), "write");
    checked(::read(here_.get(), message.data(), message.size()), "read");
  }

 private:
  pid_t process_ = 0;
  Fd here_;
};

}  // namespace

void bench::rows() {
  recipe_1("sequential", run_one_by_one);
  recipe_1_on_processes<as_in_the_cookbook.steps>(as_in_the_cookbook);
  recipe_1("sequential", run_one_by_one, ten_times_longer);
  recipe_1_on_processes<ten_times_longer.steps>(ten_times_longer);

  row("a call and its result, one by one/sequential", few, [] {
    for (int i = 0; i < few; ++i) benchmark::DoNotOptimize(identity(i));
  });
  row("a call and its result, one by one/a socket pair", few, [] {
    return [echo = std::make_shared<Echo>()] {
      for (int i = 0; i < few; ++i) echo->there_and_back();
    };
  });
  row("a call and its result, one by one/1 process", few, on_pool(1, [](ProcessPoolExecutor& pool) {
        for (int i = 0; i < few; ++i) benchmark::DoNotOptimize(pool.submit(identity, i).result());
      }));

  row(trivial_calls_one_by_one + "/sequential", many_calls, [] {
    for (int i = 0; i < many_calls; ++i) benchmark::DoNotOptimize(identity(i));
  });
  row(trivial_calls_one_by_one + "/2 processes", many_calls, on_pool(2, [](ProcessPoolExecutor& pool) {
        for (int value : pool.map(identity, std::views::iota(0, many_calls))) benchmark::DoNotOptimize(value);
      }));
  row(trivial_calls_in_chunks + "/sequential", many_calls_in_chunks, [] {
    for (int i = 0; i < many_calls_in_chunks; ++i) benchmark::DoNotOptimize(identity(i));
  });
  row(trivial_calls_in_chunks + "/2 processes", many_calls_in_chunks,
      on_pool(2, [](ProcessPoolExecutor& pool) {
        for (int value : pool.map(identity, std::views::iota(0, many_calls_in_chunks), {.chunksize = 64}))
          benchmark::DoNotOptimize(value);
      }));
}
