// Fails: Step6_MakeItFast.APop*Looks*
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
    Lock tail(tail_mutex_);
    while (!closed_ && bounded() && count_ >= capacity_) has_room_.wait(tail);
    if (closed_) throw Closed();
    try {
      in_.push_back(std::move(value));
    } catch (...) {
      if (bounded()) has_room_.notify_one();  // the room is still there
      throw;
    }
    ++count_;
    const bool wake = waiting_ > 0 && !waking_;
    if (wake) waking_ = true;
    tail.unlock();
    if (wake) has_item_.notify_one();
  }
  void push(const T& value) { push(T(value)); }

  /// Removes and returns the oldest item, or nothing if there is none now. Never waits. Python: `get_nowait`.
  /// If the move of the item throws, the item stays.
  std::optional<T> try_pop() {
    Lock head(head_mutex_);
    if (out_.empty()) {
      Lock tail(tail_mutex_);
      if (!refill()) return std::nullopt;
    }
    return take(head);
  }

  /// Returns how many items are in the queue now; another thread may have changed that before you look.
  [[nodiscard]] std::size_t size() const {
    Lock head(head_mutex_);
    Lock tail(tail_mutex_);
    return items();
  }

  /// Removes and returns the oldest item; waits while the queue is empty. Python: `get`.
  /// If the move of the item throws, the item stays.
  /// @returns nothing once the queue is closed and drained (step 3)
  std::optional<T> pop() {
    Lock head(head_mutex_);
    if (out_.empty()) {
      Lock tail(tail_mutex_);
      while (!refill()) {
        if (closed_) return std::nullopt;
        ++waiting_;
        head.unlock();
        has_item_.wait(tail);
        tail.unlock();
        head.lock();
        tail.lock();
        --waiting_;
        waking_ = false;
      }
    }
    return take(head);
  }

  /// Returns how many calls of pop() wait for an item that is not there yet. A sleeper for whom an item is in
  /// the queue does not count.
  [[nodiscard]] std::size_t idle() const {
    Lock head(head_mutex_);
    Lock tail(tail_mutex_);
    return waiting_ > items() ? waiting_ - items() : 0;
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

  bool bounded() const noexcept { return capacity_ != unbounded; }

  /// Under both locks.
  std::size_t items() const { return in_.size() + out_.size(); }

  /// Under both locks: sees to it that the head has items, if there are any.
  bool refill() {
    if (out_.empty()) in_.swap(out_);
    return !out_.empty();
  }

  /// Moves the oldest item out of the head, which must have one, and gives the lock back. One move only, for
  /// it may throw, and then the item stays.
  std::optional<T> take(Lock& head) {
    std::optional<T> item;
    try {
      item.emplace(std::move(out_.front()));
    } catch (...) {
      pass_on(head, false);
      throw;
    }
    out_.pop_front();
    pass_on(head, true);
    return item;
  }

  /// Wakes the next sleeper if there is an item for it and nobody is on the way; gives room back if an item
  /// was `taken`.
  void pass_on(Lock& head, bool taken) {
    const bool room = taken && bounded();
    bool wake = false;
    if (room || waiting_ > 0) {
      Lock tail(tail_mutex_);
      if (room) --count_;
      wake = waiting_ > 0 && !waking_ && items() > 0;
      if (wake) waking_ = true;
    }
    head.unlock();
    if (room) has_room_.notify_one();
    if (wake) has_item_.notify_one();
  }

  // Read by all, seldom changed. Locks are taken in the order head, tail.
  alignas(64) const std::size_t capacity_;
  std::size_t waiting_ = 0;  // calls of pop() that wait, or come back from it; changed under both locks

  alignas(64) mutable std::mutex head_mutex_;
  Ring<T> out_;

  alignas(64) mutable std::mutex tail_mutex_;  // guards all below
  Ring<T> in_;
  std::size_t count_ = 0;  // items at both ends, if bounded()
  bool waking_ = false;    // a sleeper has been notified and has not come yet
  bool closed_ = false;
  std::condition_variable has_item_;  // where pop() waits
  std::condition_variable has_room_;  // where push() waits
};

}  // namespace concurrent
