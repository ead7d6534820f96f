#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "frames_by_hand.hpp"

namespace bench {

/// A task by hand: a frame that a loop resumes, and that goes when it has ended. Nobody else has it, so it
/// counts no owners, and has no result.
struct TaskByHand {
  struct promise_type : FrameByHand {
    promise_type* next = nullptr;  // in the loop's list

    TaskByHand get_return_object() noexcept { return {this}; }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_never final_suspend() noexcept { return {}; }
    static void return_void() noexcept {}
    [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }
  };
  promise_type* promise;
};

/// A loop by hand. Tasks that are ready are in a list, for they run in the order in which they became so;
/// those that sleep are in the order of their times. A task that is to go on later must be remembered by
/// somebody: that is one link each, and less cannot be.
class LoopByHand {
 public:
  using Clock = std::chrono::steady_clock;
  using Promise = TaskByHand::promise_type;

  void start(TaskByHand task) noexcept { link(task.promise); }

  /// Runs until no task is left, in passes. Before each it must look whether another thread has sent
  /// something, or a sleeper is due, so that tasks that yield keep nobody waiting.
  void run() {
    while (first_ || !sleepers_.empty()) {
      if (others_.load(std::memory_order_acquire)) std::terminate();  // there are none here
      if (!sleepers_.empty()) wake();
      Promise* task = std::exchange(first_, nullptr);
      last_ = &first_;
      while (task) {
        Promise* const next = std::exchange(task->next, nullptr);
        std::coroutine_handle<Promise>::from_promise(*task).resume();
        task = next;
      }
    }
  }

  /// co_await loop.yield(): goes on when all that are ready have run.
  auto yield() noexcept {
    struct Yield : std::suspend_always {
      LoopByHand* loop;
      void await_suspend(std::coroutine_handle<Promise> task) const noexcept { loop->link(&task.promise()); }
    };
    return Yield{{}, this};
  }

  /// co_await loop.sleep(time): goes on when that has passed from now on, so it must look at the clock.
  auto sleep(Clock::duration time) {
    struct Sleep : std::suspend_always {
      LoopByHand* loop;
      Clock::time_point when;
      void await_suspend(std::coroutine_handle<Promise> task) const { loop->add({when, &task.promise()}); }
    };
    return Sleep{{}, this, Clock::now() + time};
  }

 private:
  struct Sleeper {
    Clock::time_point when;
    Promise* task;
  };

  void link(Promise* task) noexcept {
    *last_ = task;
    last_ = &task->next;
  }

  /// Naps of the same length end in the order in which they began: nothing has to move for them.
  void add(Sleeper sleeper) {
    auto place = sleepers_.end();
    while (place != sleepers_.begin() && place[-1].when > sleeper.when) --place;
    sleepers_.insert(place, sleeper);
  }

  void wake() {
    if (!first_) std::this_thread::sleep_until(sleepers_.front().when);
    const auto now = Clock::now();
    auto due = sleepers_.begin();
    for (; due != sleepers_.end() && due->when <= now; ++due) link(due->task);
    sleepers_.erase(sleepers_.begin(), due);
  }

  Promise* first_ = nullptr;
  Promise** last_ = &first_;
  std::vector<Sleeper> sleepers_;
  std::atomic<void*> others_ = nullptr;
};

}  // namespace bench
