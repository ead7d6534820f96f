// The rows of chapter 05 on the libraries that people use at work.

#define ASIO_STANDALONE
#include <asio.hpp>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <future>
#include <memory>

#include "empty_job.hpp"
#include "fine_grained.hpp"
#include "row.hpp"
#include "submit_all.hpp"

namespace {

long fib(int n) {
  if (n < 2) return n;
  long a = 0, b = 0;
  tbb::task_group group;
  group.run([&] { a = fib(n - 1); });
  b = fib(n - 2);
  group.wait();
  return a + b;
}

/// Lets `post_all(post)` post jobs to an arena with two workers, and waits for them.
template <class F>
void on_arena(F post_all) {
  tbb::task_arena arena(3, 1);  // one slot is for the thread that waits
  tbb::task_group group;
  post_all([&](auto job) { arena.enqueue(group.defer(job)); });
  arena.execute([&] { group.wait(); });
}

/// The same on Asio.
template <class F>
void on_asio(F post_all) {
  asio::thread_pool pool(2);
  post_all([&](auto job) { asio::post(pool, job); });
  pool.join();
}

}  // namespace

void bench::rows() {
  // As many workers as ours has, on a machine with fewer cores too.
  static const tbb::global_control workers(tbb::global_control::max_allowed_parallelism, 3);

  const auto one_producer = [](auto post) {
    for (int i = 0; i < many; ++i) post(empty_job);
  };
  row("a job/oneTBB task_arena, 2 workers", many, [=] { on_arena(one_producer); });
  row("a job/asio::thread_pool, 2 workers", many, [=] { on_asio(one_producer); });

  row("submit, then all results/oneTBB + packaged_task, 2 workers", many, [] {
    tbb::task_arena arena(3, 1);
    submit_all(many, [&](int i) {
      auto task = std::make_shared<std::packaged_task<int()>>([i] { return i; });
      auto future = task->get_future();
      arena.enqueue([task] { (*task)(); });
      return future;
    });
  });
  row("submit, then all results/asio::use_future, 2 workers", many, [] {
    asio::thread_pool pool(2);
    submit_all(many, [&](int i) { return asio::post(pool, asio::use_future([i] { return i; })); });
    pool.join();
  });

  row("a call of fib(30)/oneTBB task_group, 2 threads", fib_calls, [] {
    tbb::task_arena arena(2);
    arena.execute([] { benchmark::DoNotOptimize(fib(fib_of)); });
  });

  const auto skewed = [](auto post) {
    for (int i = 0; i < skewed_jobs; ++i) post([i] { skewed_job(i); });
  };
  row("a skewed job/oneTBB task_arena, 2 workers", skewed_jobs, [=] { on_arena(skewed); });
  row("a skewed job/asio::thread_pool, 2 workers", skewed_jobs, [=] { on_asio(skewed); });

  const auto from_four = [](auto post) { four_producers([&] { post(empty_job); }); };
  row("a job of four producers/oneTBB task_arena, 2 workers", many, [=] { on_arena(from_four); });
  row("a job of four producers/asio::thread_pool, 2 workers", many, [=] { on_asio(from_four); });
}
