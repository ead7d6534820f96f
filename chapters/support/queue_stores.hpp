#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "ring.hpp"

namespace asyncio::detail {

// Where queues keep their items. Once they have grown, they allocate nothing.

/// The oldest item comes out first.
template <class T>
class FifoStore {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  void push(T&& item) { items_.push_back(std::move(item)); }
  T pop() { return items_.take_front(); }

 private:
  concurrent::Ring<T> items_;
};

/// The newest item comes out first.
template <class T>
class LifoStore {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  void push(T&& item) { items_.push_back(std::move(item)); }
  T pop() {
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

 private:
  std::vector<T> items_;
};

/// The smallest item comes out first, by `<`.
template <class T>
class PriorityStore {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  void push(T&& item) {
    items_.push_back(std::move(item));
    std::push_heap(items_.begin(), items_.end(), later);
  }
  T pop() {
    std::pop_heap(items_.begin(), items_.end(), later);
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

 private:
  static bool later(const T& one, const T& other) { return other < one; }

  std::vector<T> items_;
};

}  // namespace asyncio::detail
