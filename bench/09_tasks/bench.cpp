#include <chrono>
#include <memory>
#include <string>

#include "coro.hpp"
#include "empty_job.hpp"
#include "event_loop.hpp"
#include "row.hpp"
#include "task.hpp"
#include "task_rows.hpp"
#include "tasks_by_hand.hpp"

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

bench::TaskByHand job_by_hand() {
  empty_job();
  co_return;
}

bench::TaskByHand yield_by_hand(bench::LoopByHand& loop, int times) {
  for (int i = 0; i < times; ++i) co_await loop.yield();
}

bench::TaskByHand nap_by_hand(bench::LoopByHand& loop) { co_await loop.sleep(bench::nap); }

/// Registers the floor of a group: tasks by hand on a loop by hand.
/// @param start gets the loop, and starts them
template <class F>
void task_floor(const std::string& group, int items, F start) {
  bench::row(group + "/floor: a frame in a list", items, [=] {
    return bench::warmed_up([=, loop = std::make_shared<bench::LoopByHand>()] {
      start(*loop);
      loop->run();
    });
  });
}

}  // namespace

void bench::rows() {
  task_row(spawned, many_tasks, [] { return all(many_tasks, job); });
  task_floor(spawned, many_tasks, [](LoopByHand& loop) {
    for (int i = 0; i < many_tasks; ++i) loop.start(job_by_hand());
  });
  task_row(switches, many_switches, [] { return both(many_switches); });
  task_floor(switches, many_switches, [](LoopByHand& loop) {
    for (int i = 0; i < 2; ++i) loop.start(yield_by_hand(loop, many_switches / 2));
  });
  task_row(sleepers, many_sleepers, [] { return all(many_sleepers, ::nap); });
  task_floor(sleepers, many_sleepers, [](LoopByHand& loop) {
    for (int i = 0; i < many_sleepers; ++i) loop.start(nap_by_hand(loop));
  });
}
