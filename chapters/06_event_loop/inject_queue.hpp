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
    todo("8.2", "InjectQueue::post");
  }

  /// True if something may have been posted: a hint, which costs no lock.
  [[nodiscard]] bool has_posts() const noexcept {
    todo("8.2", "InjectQueue::has_posts");
  }

  /// Takes what was posted, in order.
  ReadyQueue collect() {
    todo("8.2", "InjectQueue::collect");
  }

  /// Notes that the loop falls asleep. @returns false if it must not, for something was posted
  [[nodiscard]] bool fall_asleep() {
    todo("8.2", "InjectQueue::fall_asleep");
  }

  /// Notes that the loop is awake again, whatever woke it.
  void wake_up() {
    todo("8.2", "InjectQueue::wake_up");
  }

  /// Takes no more posts. @returns what was posted
  ReadyQueue close() {
    todo("8.2", "InjectQueue::close");
  }

 private:
  // For 8.2: members of your choice.
};

}  // namespace asyncio
