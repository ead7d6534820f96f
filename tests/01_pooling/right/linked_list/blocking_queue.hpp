// Fails: Step6_MakeItFast.APop*Looks*
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "errors.hpp"

namespace concurrent {

/// A queue between threads: pop() waits for an item, push() waits for room.
/// Items come out in the order in which they went in. All members may be called from any thread;
/// the queue must outlive every call. Python: `queue.Queue`, with the `shutdown()` of Python 3.13.
///
/// A linked list with a lock for each end. The node in front is empty: a pop() takes the item of the one
/// behind it, which is the empty one from then on.
template <class T>
class BlockingQueue {
 public:
  static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

  /// @param capacity how many items the queue holds before push() waits
  /// @throws std::invalid_argument if `capacity` is 0: nothing could ever get through
  explicit BlockingQueue(std::size_t capacity = unbounded)
      : capacity_(capacity > 0 ? capacity
                               : throw std::invalid_argument(  // before there is a node
                                     "BlockingQueue: capacity must be at least 1, not 0")) {}
  ~BlockingQueue() {
    for (Node* list : {head_, spare_, returned_.load()})
      while (list) delete std::exchange(list, list->next.load());
  }
  BlockingQueue(const BlockingQueue&) = delete;
  BlockingQueue& operator=(const BlockingQueue&) = delete;

  /// Appends `value`; waits while the queue is full (step 2). Python: `put`.
  /// If it throws, it has taken nothing, and the queue is as it was.
  /// @throws Closed if the queue is closed, before the call or while it waits (step 3)
  void push(T&& value) {
    Lock tail(tail_mutex_);
    has_room_.wait(tail, [this] { return closed_ || !bounded() || places_taken_ < capacity_; });
    if (closed_) throw Closed();
    try {
      if (!spare_) spare_ = returned_.exchange(nullptr);
      if (!spare_) spare_ = new Node;
      spare_->item.emplace(std::move(value));
    } catch (...) {
      if (bounded()) has_room_.notify_one();
      throw;
    }
    Node* const node = spare_;
    spare_ = node->next;
    node->next = nullptr;
    tail_->next = node;
    tail_ = node;
    ++pushed_;
    if (bounded()) ++places_taken_;
    wake_next(std::move(tail));
  }
  void push(const T& value) { push(T(value)); }

  /// Removes and returns the oldest item, or nothing if there is none now. Never waits. Python: `get_nowait`.
  /// If the move of the item throws, the item stays.
  std::optional<T> try_pop() {
    Lock head(head_mutex_);
    if (!head_->next) return std::nullopt;
    return take(std::move(head));
  }

  /// Returns how many items are in the queue now; another thread may have changed that before you look.
  [[nodiscard]] std::size_t size() const {
    std::scoped_lock both(head_mutex_, tail_mutex_);
    return pushed_ - popped_;
  }

  /// Removes and returns the oldest item; waits while the queue is empty. Python: `get`.
  /// If the move of the item throws, the item stays.
  /// @returns nothing once the queue is closed and drained (step 3)
  std::optional<T> pop() {
    for (bool woken = false;; woken = true) {
      Lock head(head_mutex_);
      if (head_->next && !woken) return take(std::move(head));
      Lock tail(tail_mutex_);
      if (woken) {
        --waiting_;
        on_the_way_ = false;
      }
      if (head_->next) {
        if (pushed_ - popped_ > 1)
          wake_next(std::move(tail));
        else
          tail.unlock();
        return take(std::move(head));
      }
      if (closed_) return std::nullopt;
      ++waiting_;
      head.unlock();
      has_item_.wait(tail);
    }
  }

  /// Returns how many calls of pop() wait for an item that is not there yet. A sleeper for whom an item is in
  /// the queue does not count.
  [[nodiscard]] std::size_t idle() const {
    std::scoped_lock both(head_mutex_, tail_mutex_);
    const std::size_t items = pushed_ - popped_;
    return waiting_ > items ? waiting_ - items : 0;
  }

  /// Ends the queue: push() throws Closed from now on, also one that waits; pop() goes on until the queue is
  /// drained. Closing it again does nothing. Python: `shutdown`.
  void close() {
    Lock tail(tail_mutex_);
    closed_ = true;
    has_item_.notify_all();
    has_room_.notify_all();
  }

  /// True once close() has been called.
  [[nodiscard]] bool closed() const {
    Lock tail(tail_mutex_);
    return closed_;
  }

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Node {
    std::atomic<Node*> next = nullptr;
    std::optional<T> item;
  };

  bool bounded() const noexcept { return capacity_ != unbounded; }

  /// Takes the oldest item. There must be one.
  std::optional<T> take(Lock head) {
    std::optional<T> item;
    Node* const first = head_->next;
    try {
      item.emplace(std::move(*first->item));
    } catch (...) {
      head.unlock();
      wake_next(Lock(tail_mutex_));
      throw;
    }
    first->item.reset();
    Node* const empty = std::exchange(head_, first);
    ++popped_;
    head.unlock();
    Node* returned = returned_;
    do empty->next = returned;
    while (!returned_.compare_exchange_weak(returned, empty));
    if (bounded()) {
      Lock tail(tail_mutex_);
      --places_taken_;
      has_room_.notify_one();
    }
    return item;
  }

  /// Wakes one that sleeps, if nobody is on the way.
  void wake_next(Lock tail) {
    if (waiting_ == 0 || on_the_way_) return;
    on_the_way_ = true;
    tail.unlock();
    has_item_.notify_one();
  }

  const std::size_t capacity_;
  std::atomic<Node*> returned_ = nullptr;  // nodes that pop() has emptied

  alignas(64) mutable std::mutex head_mutex_;
  Node* head_ = new Node;  // its own item has been taken
  std::size_t popped_ = 0;

  alignas(64) mutable std::mutex tail_mutex_;  // guards all below
  Node* tail_ = head_;
  Node* spare_ = nullptr;  // nodes for items that come
  std::size_t pushed_ = 0;
  std::size_t places_taken_ = 0;  // if there is a capacity
  std::size_t waiting_ = 0;       // calls of pop() that wait
  bool on_the_way_ = false;       // one of them has been woken and has not come
  bool closed_ = false;
  std::condition_variable has_item_;  // where pop() waits
  std::condition_variable has_room_;  // where push() waits
};

}  // namespace concurrent
