#include "blocking_queue.hpp"
#include "thread_pool.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "empty_job.hpp"
#include "hand_over.hpp"
#include "job_slots.hpp"
#include "recipe_1.hpp"
#include "ring_by_hand.hpp"
#include "row.hpp"

using namespace concurrent;

namespace {

/// The recipe on a pool.
auto on_pool(int workers) {
  return [=](int items, auto work) {
    ThreadPool pool{{.max_workers = workers}};
    for (int item = 1; item <= items; ++item) pool.post([=] { work(item); });
  };
}

/// The floor of a queue between any threads: a ring, and a lock that is one word. Two threads that push must
/// not use the same place, nor two that pop, so each call needs an atomic exchange at least; a store gives
/// the lock back. A mutex, which knows of sleepers, needs a second exchange for that.
class LockedRing {
 public:
  void push(int item) {
    lock();
    items_.push(item);
    unlock();
  }
  int pop() {
    for (;; std::this_thread::yield()) {
      lock();
      const bool there = items_.size() > 0;
      const int item = there ? items_.pop() : 0;
      unlock();
      if (there) return item;
    }
  }

 private:
  void lock() {
    while (locked_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
  }
  void unlock() { locked_.store(false, std::memory_order_release); }

  std::atomic<bool> locked_ = false;
  bench::RingByHand<int> items_;
};

/// Pushes items on this thread, and lets so many others pop them.
void pass_items_to(int consumers) {
  BlockingQueue<int> queue;
  std::vector<std::jthread> threads;
  for (int i = 0; i < consumers; ++i)
    threads.emplace_back([&] {
      while (queue.pop()) {
      }
    });
  for (int i = 0; i < bench::many; ++i) queue.push(i);
  queue.close();
}

}  // namespace

void bench::rows() {
  recipe_1("sequential", run_one_by_one);
  recipe_1("a thread per item", [](int items, auto work) {
    std::vector<std::jthread> threads;
    for (int item = 1; item <= items; ++item) threads.emplace_back([=] { work(item); });
  });
  for (int workers : {1, 2, 5}) recipe_1("ThreadPool, " + workers_text(workers), on_pool(workers));
  recipe_1_by_hand();

  recipe_1("sequential", run_one_by_one, ten_times_longer);
  for (int workers : {2, 5})
    recipe_1("ThreadPool, " + workers_text(workers), on_pool(workers), ten_times_longer);
  recipe_1_by_hand(ten_times_longer);

  empty_jobs("sequential", few, [](int jobs) {
    for (int i = 0; i < jobs; ++i) empty_job();
  });
  empty_jobs("a thread per job", few, [](int jobs) {
    for (int i = 0; i < jobs; ++i) std::jthread thread(empty_job);
  });
  for (int workers : {1, 2, 5})
    empty_jobs("ThreadPool, " + workers_text(workers), many, [=](int jobs) {
      ThreadPool pool{{.max_workers = workers}};
      for (int i = 0; i < jobs; ++i) pool.post(empty_job);
    });
  empty_jobs_by_hand();

  hand_overs_by_hand();
  for (int workers : {1, 2, 5})
    hand_overs("ThreadPool, " + workers_text(workers), [=] {
      return [pool = std::make_shared<ThreadPool>(ThreadPoolOptions{.max_workers = workers})](auto job) {
        pool->post(job);
      };
    });

  row("an item through the queue/sequential", many, [] {
    Ring<int> ring;
    for (int i = 0; i < many; ++i) {
      ring.push_back(int(i));
      benchmark::DoNotOptimize(ring.take_front());
    }
  });
  row("an item through the queue/floor: a lock of one word and a ring", many, [] {
    LockedRing queue;
    for (int i = 0; i < many; ++i) {
      queue.push(i);
      benchmark::DoNotOptimize(queue.pop());
    }
  });
  row("an item through the queue/BlockingQueue, one thread", many, [] {
    BlockingQueue<int> queue;
    for (int i = 0; i < many; ++i) {
      queue.push(i);
      benchmark::DoNotOptimize(queue.pop());
    }
  });
  row("an item through the queue/BlockingQueue, two threads", many, [] { pass_items_to(1); });
  row("an item through the queue/BlockingQueue, three consumers", many, [] { pass_items_to(3); });
}
