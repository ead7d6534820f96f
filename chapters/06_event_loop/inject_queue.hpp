#pragma once

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "ready_queue.hpp"
#include "selector.hpp"
#include "todo.hpp"

namespace asyncio {

/// The way into a loop for other threads: they post() what it is to run. The loop says when it goes to sleep,
/// and only then is woken. Any thread may post(); all else is for the loop's thread. The name is Tokio's.
class InjectQueue {
 public:
  /// Adds `node`, and wakes the loop if it sleeps. When the loop gets the node, this thread is done with the
  /// inject queue and the selector: the node may be what ends the loop.
  /// @throws std::runtime_error if the inject queue is closed; the node is dropped then
  void post(Ref<Operation> node, Selector& selector) {
    ReadyQueue posted;  // which drops it if this throws
    posted.push(std::move(node));
    // TODO 5.1: Under the lock: if it is closed_, throw a std::runtime_error "Event
    // loop is closed". Append what is posted to posts_, and set has_posts_. If the loop is asleep_, it is no
    // more: wake() the selector, still under the lock.
    todo("5.1", "InjectQueue::post");
  }

  /// True if something may have been posted: a hint, which costs no lock.
  [[nodiscard]] bool has_posts() const noexcept { return has_posts_.load(std::memory_order_relaxed); }

  /// Takes what was posted, in order.
  ReadyQueue collect() {
    // TODO 5.2: Under the lock: there are no posts any more, for has_posts() too.
    // Return what there was.
    todo("5.2", "InjectQueue::collect");
  }

  /// Notes that the loop falls asleep. @returns false if it must not, for something was posted
  [[nodiscard]] bool fall_asleep() {
    // TODO 4.3: Under the lock: the loop is asleep_ if there are no posts_.
    todo("4.3", "InjectQueue::fall_asleep");
  }

  /// Notes that the loop is awake again, whatever woke it.
  void wake_up() {
    std::lock_guard lock(mutex_);
    asleep_ = false;
  }

  /// Takes no more posts. @returns what was posted
  ReadyQueue close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    return std::exchange(posts_, {});
  }

 private:
  std::mutex mutex_;  // guards all of it
  ReadyQueue posts_;
  bool asleep_ = false;
  bool closed_ = false;
  std::atomic<bool> has_posts_ = false;  // changes under the lock
};

}  // namespace asyncio
