#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

namespace concurrent {

/// Right, and as cheap: no fences, but sequentially consistent operations where two threads look at each
/// other. The slots are a ring without a mask, and item numbers count from 0 in it.
template <class T>
class WorkStealingDeque {
  static_assert(std::is_trivially_copyable_v<T> && std::atomic<T>::is_always_lock_free);

 public:
  explicit WorkStealingDeque(std::size_t capacity = 64, std::int64_t first = 0)
      : oldest_(first), next_(first) {
    std::size_t room = 1;
    while (room < capacity) room *= 2;
    rings_.push_back(std::make_unique<Ring>(room));
    ring_ = rings_.back().get();
  }
  WorkStealingDeque(const WorkStealingDeque&) = delete;
  WorkStealingDeque& operator=(const WorkStealingDeque&) = delete;

  void push(T item) {
    const std::int64_t next = next_.load(std::memory_order_relaxed);
    const std::int64_t oldest = oldest_.load(std::memory_order_acquire);
    Ring* ring = ring_.load(std::memory_order_relaxed);
    if (next - oldest == ring->room()) {
      auto larger = std::make_unique<Ring>(2 * ring->items.size());
      for (std::int64_t i = oldest; i != next; ++i) larger->at(i).store(ring->at(i).load());
      rings_.push_back(std::move(larger));
      ring = rings_.back().get();
      ring_.store(ring, std::memory_order_release);
    }
    ring->at(next).store(item, std::memory_order_relaxed);
    next_.store(next + 1, std::memory_order_release);
  }

  std::optional<T> pop() {
    const std::int64_t last = next_.load(std::memory_order_relaxed) - 1;
    if (last < oldest_.load(std::memory_order_relaxed)) return std::nullopt;  // only thieves raise it
    next_.store(last, std::memory_order_seq_cst);
    std::int64_t oldest = oldest_.load(std::memory_order_seq_cst);
    const T item = ring_.load(std::memory_order_relaxed)->at(last).load(std::memory_order_relaxed);
    if (oldest < last) return item;
    const bool mine = oldest == last && oldest_.compare_exchange_strong(oldest, last + 1);
    next_.store(last + 1, std::memory_order_release);
    return mine ? std::optional(item) : std::nullopt;
  }

  std::optional<T> steal() {
    std::int64_t oldest = oldest_.load(std::memory_order_seq_cst);
    while (oldest < next_.load(std::memory_order_seq_cst)) {
      const T item = ring_.load(std::memory_order_acquire)->at(oldest).load(std::memory_order_relaxed);
      if (oldest_.compare_exchange_strong(oldest, oldest + 1)) return item;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    const std::int64_t next = next_.load(std::memory_order_acquire);
    return static_cast<std::size_t>(
        std::max<std::int64_t>(0, next - oldest_.load(std::memory_order_acquire)));
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  [[nodiscard]] std::size_t capacity() const noexcept {
    return static_cast<std::size_t>(ring_.load(std::memory_order_acquire)->room());
  }

 private:
  struct Ring {
    explicit Ring(std::size_t room) : items(room) {}
    [[nodiscard]] std::int64_t room() const noexcept { return static_cast<std::int64_t>(items.size()); }
    std::atomic<T>& at(std::int64_t number) { return items[static_cast<std::size_t>(number % room())]; }
    std::vector<std::atomic<T>> items;
  };

  alignas(64) std::atomic<std::int64_t> oldest_;
  alignas(64) std::atomic<std::int64_t> next_;
  std::atomic<Ring*> ring_ = nullptr;
  std::vector<std::unique_ptr<Ring>> rings_;
};

}  // namespace concurrent
