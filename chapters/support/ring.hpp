#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace concurrent {

/// A first-in, first-out queue in one block of memory that it keeps: once it has grown, pushing and popping
/// allocate nothing. (std::deque gives its blocks back and asks for new ones, again and again.)
/// Like a standard container, it is not for several threads at once.
template <class T>
class Ring {
 public:
  Ring() = default;
  Ring(Ring&& other) noexcept { swap(other); }
  Ring& operator=(Ring&& other) noexcept {
    Ring(std::move(other)).swap(*this);
    return *this;
  }
  ~Ring() {
    while (!empty()) pop_front();
    allocator().deallocate(slots_, capacity_);
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// The oldest item. There must be one.
  T& front() noexcept { return slots_[head_]; }

  void push_back(T&& value) {
    if (size_ == capacity_) grow();
    std::construct_at(slots_ + wrapped(head_ + size_), std::move(value));
    ++size_;
  }

  /// Removes the oldest item. There must be one.
  void pop_front() noexcept {
    std::destroy_at(slots_ + head_);
    head_ = wrapped(head_ + 1);
    --size_;
  }

  /// Removes the oldest item and returns it. There must be one.
  T take_front() {
    T value = std::move(front());
    pop_front();
    return value;
  }

  void swap(Ring& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(capacity_, other.capacity_);
    std::swap(head_, other.head_);
    std::swap(size_, other.size_);
  }

 private:
  static std::allocator<T> allocator() { return {}; }
  std::size_t wrapped(std::size_t index) const noexcept { return index & (capacity_ - 1); }

  void grow() {
    Ring bigger;
    bigger.capacity_ = capacity_ == 0 ? 16 : 2 * capacity_;
    bigger.slots_ = allocator().allocate(bigger.capacity_);
    for (; !empty(); pop_front()) bigger.push_back(std::move(front()));
    swap(bigger);
  }

  T* slots_ = nullptr;
  std::size_t capacity_ = 0;  // a power of two, so that wrapping round is one `and`
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace concurrent
