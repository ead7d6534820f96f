#pragma once

#include <condition_variable>
#include <cstddef>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "errors.hpp"
#include "ring.hpp"
#include "todo.hpp"

namespace concurrent {

/// A queue between threads: pop() waits for an item, push() waits for room.
/// Items come out in the order in which they went in. All members may be called from any thread;
/// the queue must outlive every call. Python: `queue.Queue`, with the `shutdown()` of Python 3.13.
template <class T>
class BlockingQueue {
 public:
  static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

  /// @param capacity how many items the queue holds before push() waits
  /// @throws std::invalid_argument if `capacity` is 0: nothing could ever get through
  explicit BlockingQueue(std::size_t capacity = unbounded) : capacity_(capacity) {
    if (capacity == 0) throw std::invalid_argument("BlockingQueue: capacity must be at least 1, not 0");
  }
  BlockingQueue(const BlockingQueue&) = delete;
  BlockingQueue& operator=(const BlockingQueue&) = delete;

  /// Appends `value`; waits while the queue is full (step 2). Python: `put`.
  /// If it throws, it has taken nothing, and the queue is as it was.
  /// @throws Closed if the queue is closed, before the call or while it waits (step 3)
  void push(T&& value) {
    todo("1.1", "BlockingQueue::push");
  }
  void push(const T& value) { push(T(value)); }

  /// Removes and returns the oldest item, or nothing if there is none now. Never waits. Python: `get_nowait`.
  /// If the move of the item throws, the item stays.
  std::optional<T> try_pop() {
    todo("1.1", "BlockingQueue::try_pop");
  }

  /// Returns how many items are in the queue now; another thread may have changed that before you look.
  [[nodiscard]] std::size_t size() const {
    todo("1.1", "BlockingQueue::size");
  }

  /// Removes and returns the oldest item; waits while the queue is empty. Python: `get`.
  /// If the move of the item throws, the item stays.
  /// @returns nothing once the queue is closed and drained (step 3)
  std::optional<T> pop() {
    todo("2.1", "BlockingQueue::pop");
  }

  /// Returns how many calls of pop() wait for an item that is not there yet. A sleeper for whom an item is in
  /// the queue does not count.
  [[nodiscard]] std::size_t idle() const {
    todo("2.1", "BlockingQueue::idle");
  }

  /// Ends the queue: push() throws Closed from now on, also one that waits; pop() goes on until the queue is
  /// drained. Closing it again does nothing. Python: `shutdown`.
  void close() {
    todo("3.1", "BlockingQueue::close");
  }

  /// True once close() has been called.
  [[nodiscard]] bool closed() const {
    todo("3.1", "BlockingQueue::closed");
  }

 private:
  // The rest is yours: the tests see only what is public.
  const std::size_t capacity_;

  // For 1.1: members of BlockingQueue.
};

}  // namespace concurrent
