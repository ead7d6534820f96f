#include <chrono>
#include <memory>

#include "coro.hpp"
#include "empty_job.hpp"
#include "event_loop.hpp"
#include "row.hpp"
#include "task.hpp"
#include "task_rows.hpp"

using asyncio::Coro;
using asyncio::create_task;
using asyncio::EventLoop;
using asyncio::Task;
using bench::empty_job;

namespace {

Coro<> job() {
  empty_job();
  co_return;
}

Coro<> yield(int times) {
  for (int i = 0; i < times; ++i) co_await asyncio::sleep(std::chrono::seconds(0));
}

Coro<> nap() { co_await asyncio::sleep(bench::nap); }

/// Makes tasks, and waits for the last of them.
template <class F>
Coro<> all(int count, F coroutine) {
  for (int i = 1; i < count; ++i) create_task(coroutine());
  co_await create_task(coroutine());
}

Coro<> both(int switches) {
  const Task<> one = create_task(yield(switches / 2));
  const Task<> other = create_task(yield(switches / 2));
  co_await one;
  co_await other;
}

/// Registers a row of a coroutine that runs on a loop, and its baseline: as many calls.
template <class F>
void task_row(const std::string& group, int items, F coroutine) {
  bench::row(group + "/sequential", items, [=] {
    for (int i = 0; i < items; ++i) empty_job();
  });
  bench::row(group + "/Task", items, [=] {
    return bench::warmed_up(
        [=, loop = std::make_shared<EventLoop>()] { loop->run_until_complete(coroutine()); });
  });
}

}  // namespace

void bench::rows() {
  task_row(spawned, many_tasks, [] { return all(many_tasks, job); });
  task_row(switches, many_switches, [] { return both(many_switches); });
  task_row(sleepers, many_sleepers, [] { return all(many_sleepers, ::nap); });
}
