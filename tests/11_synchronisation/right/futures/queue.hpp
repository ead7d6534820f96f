#pragma once

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <utility>

#include "coro.hpp"
#include "event.hpp"
#include "sync_errors.hpp"
#include "waiters.hpp"

namespace asyncio {

struct QueueShutdown {
  bool immediate = false;
};

enum class Order { fifo, lifo, priority };

template <class T, Order order>
class AnyQueue : public SyncObject {
 public:
  explicit AnyQueue(std::ptrdiff_t maxsize = 0) : SyncObject("Queue"), maxsize_(maxsize) { finished_.set(); }

  [[nodiscard]] std::size_t qsize() const { return items_.size(); }
  [[nodiscard]] std::ptrdiff_t maxsize() const { return maxsize_; }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] bool full() const { return maxsize_ > 0 && std::cmp_greater_equal(qsize(), maxsize_); }

  template <class Result = void>
  Coro<Result> put(T item) {
    while (full()) {
      if (shut_down_) throw QueueShutDown();
      Waiters::Place place(putters_);
      try {
        co_await place.future;
      } catch (const CancelledError&) {
        place.leave();
        if (!full() && place.woken()) putters_.wake_next();
        throw;
      }
    }
    put_nowait(std::move(item));
  }
  void put_nowait(T item) {
    if (shut_down_) throw QueueShutDown();
    if (full()) throw QueueFull();
    items_.push_back(std::move(item));
    ++unfinished_;
    finished_.clear();
    getters_.wake_next();
  }

  template <class Result = T>
  Coro<Result> get() {
    while (empty()) {
      if (shut_down_) throw QueueShutDown();
      Waiters::Place place(getters_);
      try {
        co_await place.future;
      } catch (const CancelledError&) {
        place.leave();
        if (!empty() && place.woken()) getters_.wake_next();
        throw;
      }
    }
    co_return get_nowait();
  }
  T get_nowait() {
    if (empty()) {
      if (shut_down_) throw QueueShutDown();
      throw QueueEmpty();
    }
    T item = take();
    putters_.wake_next();
    return item;
  }

  void task_done() {
    if (unfinished_ <= 0) throw std::invalid_argument("task_done() called too many times");
    if (--unfinished_ == 0) finished_.set();
  }
  auto join() { return finished_.wait(); }

  void shutdown(QueueShutdown options = {}) {
    shut_down_ = true;
    if (options.immediate) {
      while (!empty()) {
        take();
        if (unfinished_ > 0) --unfinished_;
      }
      if (unfinished_ == 0) finished_.set();
    }
    getters_.wake_all();
    putters_.wake_all();
  }

 private:
  T take() {
    auto place = items_.begin();
    if constexpr (order == Order::lifo) place = std::prev(items_.end());
    if constexpr (order == Order::priority) place = std::ranges::min_element(items_);
    T item = std::move(*place);
    items_.erase(place);
    return item;
  }

  const std::ptrdiff_t maxsize_;
  std::deque<T> items_;
  int unfinished_ = 0;
  bool shut_down_ = false;
  Event finished_{*this, "join"};
  Waiters getters_{*this, "get"};
  Waiters putters_{*this, "put"};
};

template <class T>
using Queue = AnyQueue<T, Order::fifo>;
template <class T>
using LifoQueue = AnyQueue<T, Order::lifo>;
template <class T>
using PriorityQueue = AnyQueue<T, Order::priority>;

}  // namespace asyncio
