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
    // <exercise 1.1 BlockingQueue::push>
    Lock lock(mutex_);
    has_room_.wait(lock, [this] { return closed_ || items_.size() < capacity_; });
    if (closed_) throw Closed();
    try {
      items_.push_back(std::move(value));
    } catch (...) {
      has_room_.notify_one();  // the room for which this thread was woken is still there
      throw;
    }
    lock.unlock();
    has_item_.notify_one();
    // </exercise>
  }
  void push(const T& value) { push(T(value)); }

  /// Removes and returns the oldest item, or nothing if there is none now. Never waits. Python: `get_nowait`.
  /// If the move of the item throws, the item stays.
  std::optional<T> try_pop() {
    // <exercise 1.1 BlockingQueue::try_pop>
    return take(Lock(mutex_));
    // </exercise>
  }

  /// Returns how many items are in the queue now; another thread may have changed that before you look.
  [[nodiscard]] std::size_t size() const {
    // <exercise 1.1 BlockingQueue::size>
    Lock lock(mutex_);
    return items_.size();
    // </exercise>
  }

  /// Removes and returns the oldest item; waits while the queue is empty. Python: `get`.
  /// If the move of the item throws, the item stays.
  /// @returns nothing once the queue is closed and drained (step 3)
  std::optional<T> pop() {
    // <exercise 2.1 BlockingQueue::pop>
    Lock lock(mutex_);
    ++waiting_;
    has_item_.wait(lock, [this] { return closed_ || !items_.empty(); });
    --waiting_;
    return take(std::move(lock));
    // </exercise>
  }

  /// Returns how many calls of pop() wait for an item that is not there yet. A sleeper for whom an item is in
  /// the queue does not count.
  [[nodiscard]] std::size_t idle() const {
    // <exercise 2.1 BlockingQueue::idle>
    Lock lock(mutex_);
    return waiting_ > items_.size() ? waiting_ - items_.size() : 0;
    // </exercise>
  }

  /// Ends the queue: push() throws Closed from now on, also one that waits; pop() goes on until the queue is
  /// drained. Closing it again does nothing. Python: `shutdown`.
  void close() {
    // <exercise 3.1 BlockingQueue::close>
    {
      Lock lock(mutex_);
      closed_ = true;
    }
    has_item_.notify_all();
    has_room_.notify_all();
    // </exercise>
  }

  /// True once close() has been called.
  [[nodiscard]] bool closed() const {
    // <exercise 3.1 BlockingQueue::closed>
    Lock lock(mutex_);
    return closed_;
    // </exercise>
  }

 private:
  // The rest is yours: the tests see only what is public.
  const std::size_t capacity_;

  // <exercise 1.1 members BlockingQueue>
  using Lock = std::unique_lock<std::mutex>;

  /// Takes the oldest item, if there is one, and wakes a thread that can go on because of that.
  std::optional<T> take(Lock lock) {
    std::optional<T> item;
    if (items_.empty()) return item;
    try {
      item.emplace(std::move(items_.front()));
    } catch (...) {
      has_item_.notify_one();  // the item for which this thread was woken is still there
      throw;
    }
    items_.pop_front();
    lock.unlock();
    has_room_.notify_one();
    return item;
  }

  mutable std::mutex mutex_;          // guards all below
  std::condition_variable has_item_;  // where pop() waits
  std::condition_variable has_room_;  // where push() waits
  Ring<T> items_;
  std::size_t waiting_ = 0;  // calls of pop() that wait
  bool closed_ = false;
  // </exercise>
};

}  // namespace concurrent
