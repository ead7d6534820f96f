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
    // <exercise 8.2 InjectQueue::post>
    ReadyQueue posted;  // which drops it if this throws
    posted.push(std::move(node));
    std::lock_guard lock(mutex_);
    if (closed_) throw std::runtime_error("Event loop is closed");
    posts_.append(std::move(posted));
    has_posts_.store(true, std::memory_order_relaxed);
    if (std::exchange(asleep_, false)) selector.wake();
    // </exercise>
  }

  /// True if something may have been posted: a hint, which costs no lock.
  [[nodiscard]] bool has_posts() const noexcept {
    // <exercise 8.2 InjectQueue::has_posts>
    return has_posts_.load(std::memory_order_relaxed);
    // </exercise>
  }

  /// Takes what was posted, in order.
  ReadyQueue collect() {
    // <exercise 8.2 InjectQueue::collect>
    std::lock_guard lock(mutex_);
    has_posts_.store(false, std::memory_order_relaxed);
    return std::exchange(posts_, {});
    // </exercise>
  }

  /// Notes that the loop falls asleep. @returns false if it must not, for something was posted
  [[nodiscard]] bool fall_asleep() {
    // <exercise 8.2 InjectQueue::fall_asleep>
    std::lock_guard lock(mutex_);
    asleep_ = posts_.empty();
    return asleep_;
    // </exercise>
  }

  /// Notes that the loop is awake again, whatever woke it.
  void wake_up() {
    // <exercise 8.2 InjectQueue::wake_up>
    std::lock_guard lock(mutex_);
    asleep_ = false;
    // </exercise>
  }

  /// Takes no more posts. @returns what was posted
  ReadyQueue close() {
    // <exercise 8.2 InjectQueue::close>
    std::lock_guard lock(mutex_);
    closed_ = true;
    return std::exchange(posts_, {});
    // </exercise>
  }

 private:
  // <exercise 8.2 members your choice>
  std::mutex mutex_;  // guards all of it
  ReadyQueue posts_;
  bool asleep_ = false;
  bool closed_ = false;
  std::atomic<bool> has_posts_ = false;  // changes under the lock
  // </exercise>
};

}  // namespace asyncio
