#pragma once

#include <coroutine>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <utility>

#include "cancelled_error.hpp"
#include "coro.hpp"
#include "event.hpp"
#include "queue_stores.hpp"
#include "slow_path.hpp"
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
  class Put;
  class Get;

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
  [[nodiscard]] Put put(T item) { return Put(*this, std::move(item)); }

  /// Adds an item at once. Python: `queue.put_nowait`.
  /// @throws QueueFull; QueueShutDown
  void put_nowait(T item) {
    if (is_shut_down_) throw QueueShutDown();
    if (full()) throw QueueFull();
    add(std::move(item));
    getters_.wake(1);
  }

  /// Takes an item out; while there is none, it waits. Python: `queue.get`.
  /// @throws QueueShutDown if the queue is empty and shut down; CancelledError, and then nothing is taken
  [[nodiscard]] Get get() noexcept { return Get(*this); }

  /// Takes an item out at once. Python: `queue.get_nowait`.
  /// @throws QueueEmpty; QueueShutDown if it is empty because it is shut down
  T get_nowait() {
    if (empty() && is_shut_down_) throw QueueShutDown();
    if (empty()) throw QueueEmpty();
    T item = store_.pop();
    putters_.wake(1);
    return item;
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
  /// As put(), when there is a need to wait, or there was.
  Coro<> put_slowly(T item) {
    while (full() && !is_shut_down_) {
      WaitQueue::Wait waiting = putters_.wait();
      try {
        co_await waiting;
      } catch (const CancelledError&) {
        // The room that this one was woken for is the next one's.
        if (waiting.woken() && !full()) putters_.wake(1);
        throw;
      }
    }
    put_nowait(std::move(item));
  }

  /// As get(), when there is a need to wait, or there was.
  Coro<T> get_slowly() {
    while (empty() && !is_shut_down_) {
      WaitQueue::Wait waiting = getters_.wait();
      try {
        co_await waiting;
      } catch (const CancelledError&) {
        // The item that this one was woken for is the next one's.
        if (waiting.woken() && !empty()) getters_.wake(1);
        throw;
      }
    }
    co_return get_nowait();
  }

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

// <exercise 8.1 members Queue>
/// The awaiter of `co_await queue.put(item)`.
template <class T, class Store>
class BasicQueue<T, Store>::Put {
 public:
  Put(BasicQueue& queue, T item) : queue_(queue), item_(std::move(item)) {}

  [[nodiscard]] bool await_ready() const noexcept { return !queue_.full() || queue_.is_shut_down_; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiting) {
    return slow_path_.begin(queue_.put_slowly(std::move(item_)), waiting);
  }
  void await_resume() {
    if (slow_path_) return slow_path_.result();
    queue_.put_nowait(std::move(item_));
  }

 private:
  BasicQueue& queue_;
  T item_;
  SlowPath<void> slow_path_;
};

/// The awaiter of `co_await queue.get()`.
template <class T, class Store>
class BasicQueue<T, Store>::Get {
 public:
  explicit Get(BasicQueue& queue) noexcept : queue_(queue) {}

  [[nodiscard]] bool await_ready() const noexcept { return !queue_.empty() || queue_.is_shut_down_; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiting) {
    return slow_path_.begin(queue_.get_slowly(), waiting);
  }
  T await_resume() { return slow_path_ ? slow_path_.result() : queue_.get_nowait(); }

 private:
  BasicQueue& queue_;
  SlowPath<T> slow_path_;
};
// </exercise>

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
