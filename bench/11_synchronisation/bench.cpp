#include <chrono>
#include <memory>
#include <vector>

#include "coro.hpp"
#include "empty_job.hpp"
#include "event_loop.hpp"
#include "row.hpp"
#include "sync_rows.hpp"
#include "synchronisation.hpp"
#include "task.hpp"

using asyncio::Barrier;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::EventLoop;
using asyncio::Lock;
using asyncio::Queue;
using asyncio::Semaphore;
using asyncio::Task;

namespace {

Coro<> take_and_give_back(int times) {
  Lock lock;
  for (int i = 0; i < times; ++i) {
    co_await lock.acquire();
    lock.release();
  }
}

Coro<> to_and_fro(Lock& lock, int times) {
  co_await lock.acquire();
  co_await asyncio::sleep(std::chrono::seconds(0));  // so that the other one waits
  for (int i = 0; i < times; ++i) {
    lock.release();
    co_await lock.acquire();  // behind the other one
  }
  lock.release();
}

Coro<> hand_over(int times) {
  Lock lock;
  const Task<> one = create_task(to_and_fro(lock, times / 2));
  const Task<> other = create_task(to_and_fro(lock, times / 2));
  co_await one;
  co_await other;
}

Coro<> produce(Queue<int>& queue, int items) {
  for (int i = 0; i < items; ++i) co_await queue.put(i);
}

Coro<> through_a_queue(int items, int maxsize) {
  Queue<int> queue(maxsize);
  const Task<> producer = create_task(produce(queue, items));
  for (int i = 0; i < items; ++i) co_await queue.get();
  co_await producer;
}

Coro<> hold(Semaphore& semaphore) {
  const auto held = co_await semaphore.scoped();
  co_await asyncio::sleep(std::chrono::seconds(0));
}

Coro<> all_get_a_permit(int tasks) {
  Semaphore semaphore(10);
  for (int i = 1; i < tasks; ++i) create_task(hold(semaphore));
  co_await create_task(hold(semaphore));  // the last to come
}

Coro<> arrive(Barrier& barrier) {
  for (int i = 0; i < bench::rounds; ++i) co_await barrier.wait();
}

Coro<> meet() {
  Barrier barrier(bench::parties);
  std::vector<Task<>> tasks;
  for (int i = 0; i < bench::parties; ++i) tasks.push_back(create_task(arrive(barrier)));
  for (const Task<>& task : tasks) co_await task;
}

/// Registers a row of a coroutine that runs on a loop, and its baseline: as many calls.
template <class F>
void sync_row(const std::string& group, int items, F coroutine) {
  bench::row(group + "/sequential", items, [=] {
    for (int i = 0; i < items; ++i) bench::empty_job();
  });
  bench::row(group + "/tasks", items, [=] {
    return bench::warmed_up(
        [=, loop = std::make_shared<EventLoop>()] { loop->run_until_complete(coroutine()); });
  });
}

Coro<> yield(int times) {
  for (int i = 0; i < times; ++i) co_await asyncio::sleep(std::chrono::seconds(0));
}

/// Two tasks that switch to and fro, as chapter 09 measures it.
Coro<> switch_tasks(int times) {
  const Task<> one = create_task(yield(times / 2));
  const Task<> other = create_task(yield(times / 2));
  co_await one;
  co_await other;
}

}  // namespace

void bench::rows() {
  sync_row(uncontended, many_locks, [] { return take_and_give_back(many_locks); });
  sync_row(handed_over, many_hand_overs, [] { return hand_over(many_hand_overs); });
  row(handed_over + "/a switch of tasks", many_hand_overs, [] {
    return warmed_up(
        [loop = std::make_shared<EventLoop>()] { loop->run_until_complete(switch_tasks(many_hand_overs)); });
  });
  sync_row(queued, many_items, [] { return through_a_queue(many_items, 0); });
  sync_row(queued_one, many_items, [] { return through_a_queue(many_items, 1); });
  sync_row(permits, many_waiters, [] { return all_get_a_permit(many_waiters); });
  sync_row(meeting, parties * rounds, [] { return meet(); });
}
