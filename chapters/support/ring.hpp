#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace concurrent {

/// A first-in, first-out queue in blocks of memory that form a ring. When a block is full, the queue goes on
/// in the next one, and puts in a new one only if all are in use. So items never move, and once the ring has
/// grown, pushing and popping allocate nothing. (std::deque gives its blocks back and asks for new ones,
/// again and again.) Like a standard container, it is not for several threads at once.
template <class T>
class Ring {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "an item of a Ring is moved in and out, so its move constructor must be noexcept");

 public:
  Ring() = default;
  Ring(Ring&& other) noexcept { swap(other); }
  Ring& operator=(Ring&& other) noexcept {
    Ring(std::move(other)).swap(*this);
    return *this;
  }
  ~Ring() {
    while (!empty()) pop_front();
    if (!last_) return;
    Block* block = std::exchange(last_->next, nullptr);
    while (block) delete std::exchange(block, block->next);
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Returns the oldest item. There must be one.
  T& front() noexcept { return *front_; }

  void push_back(T&& value) {
    if (back_ == end_) next_block();
    std::construct_at(back_, std::move(value));
    ++back_;
    ++size_;
  }

  /// Removes the oldest item. There must be one.
  void pop_front() noexcept {
    std::destroy_at(front_);
    ++front_;
    --size_;
    if (empty()) {
      front_ = back_ = first_->items;
    } else if (front_ == first_->end()) {
      first_ = first_->next;
      front_ = first_->items;
    }
  }

  /// Removes the oldest item and returns it. There must be one.
  T take_front() {
    T value = std::move(front());
    pop_front();
    return value;
  }

  void swap(Ring& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    std::swap(front_, other.front_);
    std::swap(back_, other.back_);
    std::swap(end_, other.end_);
    std::swap(size_, other.size_);
  }

 private:
  /// Room for items: 4 KiB, or more if they are large. The ring keeps track of which of them are there.
  struct Block {
    static constexpr std::size_t capacity = std::max<std::size_t>(4096 / sizeof(T), 16);

    Block() noexcept {}
    ~Block() {}
    T* end() noexcept { return items + capacity; }

    Block* next = this;
    union {
      T items[capacity];
    };
  };

  /// Continues in the next block, because the last one is full.
  void next_block() {
    if (!last_) {
      first_ = last_ = new Block;
      front_ = first_->items;
    } else if (last_->next == first_) {  // all are in use
      Block* block = new Block;
      block->next = std::exchange(last_->next, block);
    }
    last_ = last_->next;
    back_ = last_->items;
    end_ = last_->end();
  }

  Block* first_ = nullptr;  // holds the oldest item, at front_
  Block* last_ = nullptr;   // takes the next item, at back_, unless that is at its end_
  T* front_ = nullptr;
  T* back_ = nullptr;
  T* end_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace concurrent
