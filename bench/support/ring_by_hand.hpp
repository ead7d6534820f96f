#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace bench {

/// A queue for one thread, by hand: places that are used again and again, so that one that has grown enough
/// asks for no memory.
template <class T>
class RingByHand {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }

  void push(T item) {
    if (size() == items_.size()) grow();
    items_[end_++ & (items_.size() - 1)] = item;
  }
  /// Takes the oldest. There must be one.
  T pop() { return items_[begin_++ & (items_.size() - 1)]; }

 private:
  void grow() {
    std::vector<T> more(2 * items_.size());
    for (std::size_t i = begin_; i < end_; ++i) more[i & (more.size() - 1)] = items_[i & (items_.size() - 1)];
    items_ = std::move(more);
  }

  std::vector<T> items_ = std::vector<T>(64);
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace bench
