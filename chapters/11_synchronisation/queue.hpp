#pragma once

#include <cstddef>
#include <limits>
#include <stdexcept>
#include <utility>

#include "cancelled_error.hpp"
#include "coro.hpp"
#include "event.hpp"
#include "queue_stores.hpp"
#include "sync_errors.hpp"
#include "todo.hpp"
#include "wait_queue.hpp"

namespace asyncio {

/// Options of Queue::shutdown().
struct QueueShutdown {
  bool immediate = false;  ///< drop the items that are left
};

namespace detail {

/// A queue of items between the tasks of one loop, whose order is that of its Store.
template <class T, class Store>
class BasicQueue : public SyncObject {
 public:
  using value_type = T;

  /// @param maxsize how many items it has room for; 0 or less: any number
  explicit BasicQueue(std::ptrdiff_t maxsize = 0) : SyncObject("Queue"), maxsize_(maxsize) {
    finished_.set();
  }

  [[nodiscard]] std::size_t qsize() const noexcept { return store_.size(); }
  [[nodiscard]] std::ptrdiff_t maxsize() const noexcept { return maxsize_; }
  [[nodiscard]] bool empty() const noexcept { return qsize() == 0; }
  [[nodiscard]] bool full() const noexcept {
    return maxsize_ > 0 && std::cmp_greater_equal(qsize(), maxsize_);
  }

  /// Adds an item; while the queue is full, it waits. Python: `queue.put`.
  /// @throws QueueShutDown if the queue is shut down by then; CancelledError, and then the item is not added
  template <class Result = void>
  Coro<Result> put(T item) {
    todo("6.1", "Queue::put");
  }

  /// Adds an item at once. Python: `queue.put_nowait`.
  /// @throws QueueFull; QueueShutDown
  void put_nowait(T item) {
    todo("6.1", "Queue::put_nowait");
  }

  /// Takes an item out; while there is none, it waits. Python: `queue.get`.
  /// @throws QueueShutDown if the queue is empty and shut down; CancelledError, and then nothing is taken
  template <class Result = T>
  Coro<Result> get() {
    todo("6.1", "Queue::get");
  }

  /// Takes an item out at once. Python: `queue.get_nowait`.
  /// @throws QueueEmpty; QueueShutDown if it is empty because it is shut down
  T get_nowait() {
    todo("6.1", "Queue::get_nowait");
  }

  /// Says that the work on an item that was taken out is done. Python: `queue.task_done`.
  /// @throws std::invalid_argument if that was said of every item already
  void task_done() {
    if (unfinished_ == 0) throw std::invalid_argument("task_done() called too many times");
    if (--unfinished_ == 0) finished_.set();
  }

  /// Waits until task_done() was called for each item that was put in. Python: `queue.join`.
  [[nodiscard]] Event::Wait join() noexcept { return finished_.wait(); }

  /// Takes no more items. Those who wait to put one in get a QueueShutDown, and so do those who wait for one
  /// when there is none left; with `immediate`, that is at once, and for join() the items that are dropped
  /// are done. Python: `queue.shutdown`.
  void shutdown(QueueShutdown options = {}) {
    is_shut_down_ = true;
    if (options.immediate) {
      for (; !empty(); store_.pop())
        if (unfinished_ > 0) --unfinished_;
      if (unfinished_ == 0) finished_.set();
    }
    getters_.wake(std::numeric_limits<std::size_t>::max());
    putters_.wake(std::numeric_limits<std::size_t>::max());
  }

 private:
  /// Puts an item in, for which join() waits from now on. @throws what its memory throws: then it is not in
  void add(T item) {
    store_.push(std::move(item));
    ++unfinished_;
    finished_.clear();
  }

  const std::ptrdiff_t maxsize_;
  bool is_shut_down_ = false;
  std::size_t unfinished_ = 0;  // items that were put in, less task_done()
  Store store_;
  Event finished_{*this, "join"};
  WaitQueue getters_{*this, "get"};
  WaitQueue putters_{*this, "put"};
};

}  // namespace detail

/// First in, first out. For the loop's thread. Python: `asyncio.Queue`.
template <class T>
class Queue : public detail::BasicQueue<T, detail::FifoStore<T>> {
  using detail::BasicQueue<T, detail::FifoStore<T>>::BasicQueue;
};

/// The smallest item comes out first. Python: `asyncio.PriorityQueue`.
template <class T>
class PriorityQueue : public detail::BasicQueue<T, detail::PriorityStore<T>> {
  using detail::BasicQueue<T, detail::PriorityStore<T>>::BasicQueue;
};

/// The newest item comes out first. Python: `asyncio.LifoQueue`.
template <class T>
class LifoQueue : public detail::BasicQueue<T, detail::LifoStore<T>> {
  using detail::BasicQueue<T, detail::LifoStore<T>>::BasicQueue;
};

}  // namespace asyncio
