#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "errors.hpp"
#include "ring.hpp"
#include "todo.hpp"

namespace concurrent {

/// A queue between threads: pop() waits for an item, push() waits for room.
/// Items come out in the order in which they went in. All members may be called from any thread;
/// the queue must outlive every call. Python: `queue.Queue`, with the `shutdown()` of Python 3.13.
///
/// It has two ends with a lock each, so that a thread that pushes and one that pops seldom meet: items go in
/// at the tail and out at the head, and when the head has run out it takes over all that the tail has. A
/// thread that needs both locks takes the head's first.
template <class T>
class BlockingQueue {
 public:
  static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

  /// @param capacity how many items the queue holds before push() waits
  /// @throws std::invalid_argument if `capacity` is 0: nothing could ever get through
  explicit BlockingQueue(std::size_t capacity = unbounded) : capacity_(capacity), free_slots_(capacity) {
    if (capacity == 0) throw std::invalid_argument("BlockingQueue: capacity must be at least 1, not 0");
  }
  BlockingQueue(const BlockingQueue&) = delete;
  BlockingQueue& operator=(const BlockingQueue&) = delete;

  // <exercise 6.1 members BlockingQueue>
  /// Appends `value`; waits while the queue is full. Python: `put`.
  /// If it throws, it has taken nothing, and the queue is as it was.
  /// @throws Closed if the queue is closed, before the call or while it waits
  void push(T&& value) {
    Lock tail(tail_mutex_);
    not_full_.wait(tail, [this] { return closed_ || free_slots_ > 0; });
    if (closed_) throw Closed();
    try {
      in_.push_back(std::move(value));
    } catch (...) {
      not_full_.notify_one();  // the room for which this thread was woken is still there
      throw;
    }
    --free_slots_;
    wake_consumer(std::move(tail), true);
  }
  void push(const T& value) { push(T(value)); }

  /// Removes and returns the oldest item, or nothing if there is none now. Never waits. Python: `get_nowait`.
  /// If the move of the item throws, the item stays.
  std::optional<T> try_pop() {
    Lock head(head_mutex_);
    if (out_.empty()) {
      Lock tail(tail_mutex_);
      out_.swap(in_);
    }
    if (out_.empty()) return std::nullopt;
    return take(std::move(head));
  }

  /// Returns how many items are in the queue now; another thread may have changed that before you look.
  [[nodiscard]] std::size_t size() const {
    std::scoped_lock both(head_mutex_, tail_mutex_);
    return in_.size() + out_.size();
  }

  /// Removes and returns the oldest item; waits while the queue is empty. Python: `get`.
  /// If the move of the item throws, the item stays.
  /// @returns nothing once the queue is closed and drained
  std::optional<T> pop() {
    for (bool woken = false;;) {
      Lock head(head_mutex_);
      if (out_.empty() || woken) {
        Lock tail(tail_mutex_);
        if (woken) {  // a sleeper until it has both locks: otherwise idle() would give its item to another
          --waiting_;
          wakeup_in_flight_ = false;
        }
        if (out_.empty() && in_.empty()) {
          if (closed_) return std::nullopt;
          ++waiting_;
          head.unlock();
          if (!look_before_sleep(tail)) not_empty_.wait(tail);
          woken = true;
          continue;
        }
        if (out_.empty()) out_.swap(in_);
        if (woken) wake_consumer(std::move(tail), out_.size() > 1);  // one of them is its own
      }
      return take(std::move(head));
    }
  }

  /// Ends the queue: push() throws Closed from now on, also one that waits; pop() goes on until the queue is
  /// drained. Closing it again does nothing. Python: `shutdown`.
  void close() {
    {
      Lock tail(tail_mutex_);
      closed_ = true;
      looking_ = false;
    }
    not_empty_.notify_all();
    not_full_.notify_all();
  }

  /// True once close() has been called.
  [[nodiscard]] bool closed() const {
    Lock tail(tail_mutex_);
    return closed_;
  }

  /// Returns how many calls of pop() wait for an item that is not there yet. A sleeper for whom an item is in
  /// the queue does not count.
  [[nodiscard]] std::size_t idle() const {
    std::scoped_lock both(head_mutex_, tail_mutex_);
    const std::size_t items = in_.size() + out_.size();
    return waiting_ > items ? waiting_ - items : 0;
  }

 private:
  using Lock = std::unique_lock<std::mutex>;
  static constexpr int looks_before_sleep = 8;

  /// Takes the oldest item from out_, which must have one, and wakes a thread that can go on because of that.
  std::optional<T> take(Lock head) {
    std::optional<T> item;
    try {
      item.emplace(std::move(out_.front()));
    } catch (...) {
      head.unlock();
      wake_consumer(Lock(tail_mutex_), true);  // the item for which this thread was woken is still there
      throw;
    }
    out_.pop_front();
    head.unlock();
    if (capacity_ != unbounded) {
      Lock tail(tail_mutex_);
      ++free_slots_;
      not_full_.notify_one();
    }
    return item;
  }

  /// Wakes one pop() that waits, if there is an item for it, in in_ or `elsewhere`, and no other has been
  /// woken that is still on its way: waking a thread costs more than most jobs. One that only looks and does
  /// not sleep yet is told by looking_, without a notification. A pop() that was woken calls this in its
  /// turn, so while items and sleepers are left, somebody is on its way; no other pop() has to ask.
  void wake_consumer(Lock tail, bool elsewhere) {
    const bool wake = (elsewhere || !in_.empty()) && waiting_ > 0 && !wakeup_in_flight_;
    if (wake) wakeup_in_flight_ = true;
    const bool seen = wake && looking_ && looking_.exchange(false);
    tail.unlock();  // before the wake-up: a thread woken under our lock would only wait for it
    if (wake && !seen) not_empty_.notify_one();
  }

  /// Looks a few times, without a lock, whether an item has come: to be woken takes longer than most pauses
  /// between two items. One thread at a time does so. @returns true if it need not sleep any more
  bool look_before_sleep(Lock& tail) {
    if (looking_) return false;
    looking_ = true;
    tail.unlock();
    for (int looks = 0; looks < looks_before_sleep && looking_; ++looks) std::this_thread::yield();
    tail.lock();
    return !looking_.exchange(false);
  }

  // These two are read without the tail's lock, and seldom change. So they have a cache line of their own:
  // next to members that change at each push or pop, it would travel from core to core with every item.
  alignas(64) const std::size_t capacity_;
  std::atomic<bool> looking_ = false;  // a pop() waits and does not sleep yet; changed under the tail's lock

  alignas(64) mutable std::mutex tail_mutex_;  // guards all down to closed_
  std::condition_variable not_full_;           // push() waits here
  std::condition_variable not_empty_;          // pop() waits here
  Ring<T> in_;
  std::size_t free_slots_;
  std::size_t waiting_ = 0;        // calls of pop() that wait
  bool wakeup_in_flight_ = false;  // a waiting pop() has been notified and has not woken up yet
  bool closed_ = false;

  alignas(64) mutable std::mutex head_mutex_;  // guards out_
  Ring<T> out_;
  // </exercise>
};

}  // namespace concurrent
