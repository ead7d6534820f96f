#pragma once

#include <atomic>
#include <cstdint>

namespace concurrent {

/// Right, and as cheap while nobody sleeps: the epoch is what threads sleep on. No lock, no condition.
class EventCount {
 public:
  using Key = std::uint32_t;

  [[nodiscard]] Key prepare_wait() noexcept {
    sleepers_.fetch_add(1);
    const Key key = epoch_.load();
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return key;
  }

  void cancel_wait() noexcept { sleepers_.fetch_sub(1); }

  void wait(Key key) noexcept {
    epoch_.wait(key);
    sleepers_.fetch_sub(1);
  }

  void notify_one() noexcept {
    if (!anybody()) return;
    epoch_.fetch_add(1);
    epoch_.notify_one();
  }

  void notify_all() noexcept {
    if (!anybody()) return;
    epoch_.fetch_add(1);
    epoch_.notify_all();
  }

  [[nodiscard]] bool has_sleepers() const noexcept { return sleepers_.load(std::memory_order_relaxed) != 0; }

 private:
  bool anybody() const noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return sleepers_.load() != 0;
  }

  std::atomic<std::uint32_t> sleepers_ = 0;
  std::atomic<Key> epoch_ = 0;
};

}  // namespace concurrent
