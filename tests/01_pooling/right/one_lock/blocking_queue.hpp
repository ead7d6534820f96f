// Fails: Step6_*
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "errors.hpp"

namespace concurrent {

/// A queue between threads: a deque, a lock, and a condition for each thing that a thread may wait for.
template <class T>
class BlockingQueue {
 public:
  static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

  explicit BlockingQueue(std::size_t capacity = unbounded) : most_(capacity) {
    if (capacity == 0) throw std::invalid_argument("BlockingQueue: a capacity of 0 lets nothing through");
  }
  BlockingQueue(const BlockingQueue&) = delete;
  BlockingQueue& operator=(const BlockingQueue&) = delete;

  void push(T&& value) {
    std::unique_lock lock(mutex_);
    while (!over_ && queue_.size() >= most_) fewer_.wait(lock);
    if (over_) throw Closed();
    Otherwise tell_another(fewer_);
    queue_.push_back(std::move(value));
    tell_another.not_needed();
    more_.notify_one();
  }
  void push(const T& value) { push(T(value)); }

  std::optional<T> try_pop() {
    std::lock_guard lock(mutex_);
    return first();
  }

  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    ++sleepers_;
    while (queue_.empty() && !over_) more_.wait(lock);
    --sleepers_;
    return first();
  }

  void close() {
    std::lock_guard lock(mutex_);
    over_ = true;
    more_.notify_all();
    fewer_.notify_all();
  }

  [[nodiscard]] bool closed() const {
    std::lock_guard lock(mutex_);
    return over_;
  }

  [[nodiscard]] std::size_t size() const {
    std::lock_guard lock(mutex_);
    return queue_.size();
  }

  [[nodiscard]] std::size_t idle() const {
    std::lock_guard lock(mutex_);
    return sleepers_ < queue_.size() ? 0 : sleepers_ - queue_.size();
  }

 private:
  /// Notifies another thread, unless all goes well.
  class Otherwise {
   public:
    explicit Otherwise(std::condition_variable& condition) : condition_(&condition) {}
    Otherwise(const Otherwise&) = delete;
    Otherwise& operator=(const Otherwise&) = delete;
    ~Otherwise() {
      if (condition_) condition_->notify_one();
    }
    void not_needed() { condition_ = nullptr; }

   private:
    std::condition_variable* condition_;
  };

  /// Takes the first item, if there is one. Call it under the lock.
  std::optional<T> first() {
    std::optional<T> item;
    if (queue_.empty()) return item;
    Otherwise tell_another(more_);
    item.emplace(std::move(queue_.front()));
    tell_another.not_needed();
    queue_.pop_front();
    fewer_.notify_one();
    return item;
  }

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable more_, fewer_;
  std::deque<T> queue_;
  std::size_t sleepers_ = 0;
  bool over_ = false;
};

}  // namespace concurrent
