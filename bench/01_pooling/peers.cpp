// The rows of chapter 01 on the libraries that people use at work.

#define ASIO_STANDALONE
#include <asio.hpp>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <latch>
#include <memory>

#include "empty_job.hpp"
#include "hand_over.hpp"
#include "recipe_1.hpp"
#include "row.hpp"

void bench::rows() {
  for (int workers : {1, 2, 5}) {
    empty_jobs("asio::thread_pool, " + workers_text(workers), many, [=](int jobs) {
      asio::thread_pool pool(static_cast<std::size_t>(workers));
      for (int i = 0; i < jobs; ++i) asio::post(pool, empty_job);
      pool.join();
    });
  }
  empty_jobs("oneTBB task_arena, 2 workers", many, [](int jobs) {
    tbb::task_arena arena(3, 1);  // one slot is for the thread that waits
    tbb::task_group group;
    arena.execute([&] {
      for (int i = 0; i < jobs; ++i) arena.enqueue(group.defer(empty_job));
      group.wait();
    });
  });
  for (int workers : {1, 2})
    hand_overs("asio::thread_pool, " + workers_text(workers), [=] {
      return [pool = std::make_shared<asio::thread_pool>(static_cast<std::size_t>(workers))](auto job) {
        asio::post(*pool, job);
      };
    });
  hand_overs("oneTBB task_arena, 2 workers", [] {
    return [arena = std::make_shared<tbb::task_arena>(3, 1)](auto job) { arena->enqueue(job); };
  });
  const auto recipe_on_asio = [](int items, auto work) {
    asio::thread_pool pool(5);
    for (int item = 1; item <= items; ++item) asio::post(pool, [=] { work(item); });
    pool.join();
  };
  for (const Length length : {as_in_the_cookbook, ten_times_longer})
    recipe_1("asio::thread_pool, 5 workers", recipe_on_asio, length);
}
