// Fails: Step4_*:Step10_*
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <type_traits>
#include <vector>

namespace concurrent {

/// Right and simple: one lock, and the items in their order.
template <class T>
class WorkStealingDeque {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit WorkStealingDeque(std::size_t capacity = 64, std::int64_t = 0) {
    items_.reserve(std::bit_ceil(capacity));
  }
  WorkStealingDeque(const WorkStealingDeque&) = delete;
  WorkStealingDeque& operator=(const WorkStealingDeque&) = delete;

  void push(T item) {
    std::lock_guard lock(mutex_);
    items_.push_back(item);
  }

  std::optional<T> pop() {
    std::lock_guard lock(mutex_);
    if (items_.empty()) return std::nullopt;
    const T item = items_.back();
    items_.pop_back();
    return item;
  }

  std::optional<T> steal() {
    std::lock_guard lock(mutex_);
    if (items_.empty()) return std::nullopt;
    const T item = items_.front();
    items_.erase(items_.begin());
    return item;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    std::lock_guard lock(mutex_);
    return items_.size();
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  [[nodiscard]] std::size_t capacity() const noexcept {
    std::lock_guard lock(mutex_);
    return items_.capacity();
  }

 private:
  mutable std::mutex mutex_;  // guards items_
  std::vector<T> items_;      // the oldest is the first
};

}  // namespace concurrent
