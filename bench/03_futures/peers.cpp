// The rows of chapter 03 on the libraries that people use at work.

#define ASIO_STANDALONE
#include <asio.hpp>
#include <oneapi/tbb/task_arena.h>

#include <future>
#include <memory>
#include <vector>

#include "empty_job.hpp"
#include "recipe_1.hpp"
#include "row.hpp"
#include "submit_all.hpp"

void bench::rows() {
  for (int workers : {1, 2, 5})
    row("submit, then all results/asio::use_future, " + workers_text(workers), many, [=] {
      asio::thread_pool pool(static_cast<std::size_t>(workers));
      submit_all(many, [&](int i) { return asio::post(pool, asio::use_future([i] { return i; })); });
      pool.join();
    });
  row("submit, then all results/oneTBB + packaged_task, 2 workers", many, [] {
    tbb::task_arena arena(3, 1);
    submit_all(many, [&](int i) {
      auto task = std::make_shared<std::packaged_task<int()>>([i] { return i; });
      auto future = task->get_future();
      arena.enqueue([task] { (*task)(); });
      return future;
    });
  });
}
