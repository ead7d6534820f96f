#include "fork_join.hpp"
#include "future.hpp"
#include "task_scope.hpp"
#include "thread_pool.hpp"

#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "empty_job.hpp"
#include "fine_grained.hpp"
#include "floors.hpp"
#include "hand_over.hpp"
#include "job_slots.hpp"
#include "row.hpp"
#include "submit_all.hpp"

using namespace concurrent;
using bench::empty_job;

namespace {

/// A tree of jobs, each of which posts two, until there are enough; `ran` is told of each.
template <class Pool>
void grow(Pool& pool, int height, std::latch& ran) {
  for (int i = 0; i < 2 && height > 0; ++i) pool.post([&pool, height, &ran] { grow(pool, height - 1, ran); });
  ran.count_down();
}

template <class Pool>
void tree_on(Pool& pool) {
  std::latch ran((1 << (bench::tree_height + 1)) - 1);
  pool.post([&] { grow(pool, bench::tree_height, ran); });
  ran.wait();
}

int identity(int number) { return number; }

long fib(WorkStealingExecutor& executor, int n) {
  if (n < 2) return n;
  long a = 0, b = 0;
  const auto first = [&] { a = fib(executor, n - 1); };
  const auto second = [&] { b = fib(executor, n - 2); };
  fork_join(executor, first, second);
  return a + b;
}

}  // namespace

void bench::rows() {
  row("a tree of jobs/sequential", tree_jobs, [] {
    for (int i = 0; i < tree_jobs; ++i) empty_job();
  });
  for (int workers : {1, 2}) {
    row("a tree of jobs/ThreadPool, " + workers_text(workers), tree_jobs, [=] {
      return [pool = std::make_shared<ThreadPool>(ThreadPoolOptions{.max_workers = workers})] {
        tree_on(*pool);
      };
    });
    row("a tree of jobs/WorkStealingExecutor, " + workers_text(workers), tree_jobs, [=] {
      return [pool = std::make_shared<WorkStealingExecutor>(WorkStealingOptions{.max_workers = workers})] {
        tree_on(*pool);
      };
    });
  }
  tree_by_hand();

  empty_jobs("sequential", many, [](int jobs) {
    for (int i = 0; i < jobs; ++i) empty_job();
  });
  empty_jobs("ThreadPool, 2 workers", many, [](int jobs) {
    ThreadPool pool{{.max_workers = 2}};
    for (int i = 0; i < jobs; ++i) pool.post(empty_job);
  });
  for (int workers : {1, 2})
    empty_jobs("WorkStealingExecutor, " + workers_text(workers), many, [=](int jobs) {
      WorkStealingExecutor executor{{.max_workers = workers}};
      for (int i = 0; i < jobs; ++i) executor.post(empty_job);
    });
  empty_jobs_by_hand();

  row("submit, then all results/sequential", many, [] {
    std::vector<int> results;
    results.reserve(many);
    for (int i = 0; i < many; ++i) results.push_back(identity(i));
    long sum = 0;
    for (int result : results) sum += result;
    benchmark::DoNotOptimize(sum);
  });
  row("submit, then all results/ThreadPoolExecutor, 2 workers", many, [] {
    ThreadPoolExecutor executor({.max_workers = 2});
    submit_all(many, [&](int i) { return executor.submit(identity, i); });
  });
  row("submit, then all results/WorkStealingExecutor, 2 workers", many, [] {
    WorkStealingExecutor executor({.max_workers = 2});
    submit_all(many, [&](int i) { return executor.submit(identity, i); });
  });
  submit_all_by_hand(identity);

  hand_overs_by_hand();
  for (int workers : {1, 2}) {
    hand_overs("ThreadPool, " + workers_text(workers), [=] {
      return [pool = std::make_shared<ThreadPool>(ThreadPoolOptions{.max_workers = workers})](auto job) {
        pool->post(job);
      };
    });
    hand_overs("WorkStealingExecutor, " + workers_text(workers), [=] {
      return [pool = std::make_shared<WorkStealingExecutor>(WorkStealingOptions{.max_workers = workers})](
                 auto job) { pool->post(job); };
    });
  }
  for (int workers : {1, 2}) {
    row("a submit and its result/ThreadPoolExecutor, " + workers_text(workers), hand_over_count, [=] {
      return [pool = std::make_shared<ThreadPoolExecutor>(ThreadPoolOptions{.max_workers = workers})] {
        for (int i = 0; i < hand_over_count; ++i)
          benchmark::DoNotOptimize(pool->submit(identity, i).result());
      };
    });
    row("a submit and its result/WorkStealingExecutor, " + workers_text(workers), hand_over_count, [=] {
      return [pool = std::make_shared<WorkStealingExecutor>(WorkStealingOptions{.max_workers = workers})] {
        for (int i = 0; i < hand_over_count; ++i)
          benchmark::DoNotOptimize(pool->submit(identity, i).result());
      };
    });
  }
  two_atomics("a submit and its result", hand_over_count);

  row("a call of fib(30)/sequential", fib_calls, [] { benchmark::DoNotOptimize(sequential_fib(fib_of)); });
  for (int workers : {1, 2})
    row("a call of fib(30)/WorkStealingExecutor, " + workers_text(workers), fib_calls, [=] {
      return
          [executor = std::make_shared<WorkStealingExecutor>(WorkStealingOptions{.max_workers = workers})] {
            benchmark::DoNotOptimize(executor->submit([&] { return fib(*executor, fib_of); }).result());
          };
    });
  fib_by_hand();

  row("a skewed job/sequential", skewed_jobs, [] {
    for (int i = 0; i < skewed_jobs; ++i) skewed_job(i);
  });
  row("a skewed job/ThreadPool, 2 workers", skewed_jobs, [] {
    ThreadPool pool{{.max_workers = 2}};
    for (int i = 0; i < skewed_jobs; ++i) pool.post([i] { skewed_job(i); });
  });
  row("a skewed job/WorkStealingExecutor, 2 workers", skewed_jobs, [] {
    WorkStealingExecutor executor{{.max_workers = 2}};
    for (int i = 0; i < skewed_jobs; ++i) executor.post([i] { skewed_job(i); });
  });
  skewed_jobs_by_hand();

  row("a job of four producers/sequential", many, [] {
    for (int i = 0; i < many; ++i) empty_job();
  });
  row("a job of four producers/ThreadPool, 2 workers", many, [] {
    ThreadPool pool{{.max_workers = 2}};
    four_producers([&] { pool.post(empty_job); });
  });
  row("a job of four producers/WorkStealingExecutor, 2 workers", many, [] {
    WorkStealingExecutor executor{{.max_workers = 2}};
    four_producers([&] { executor.post(empty_job); });
  });
  four_producers_by_hand();
}
