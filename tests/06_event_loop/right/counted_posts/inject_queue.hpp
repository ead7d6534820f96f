#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "ready_queue.hpp"
#include "selector.hpp"

namespace asyncio {

class InjectQueue {
 public:
  void post(Ref<Operation> node, Selector& selector) {
    std::unique_lock lock(mutex_);
    if (state_ == State::closed) {
      lock.unlock();
      node->drop();
      throw std::runtime_error("Event loop is closed");
    }
    nodes_.push(std::move(node));
    count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (state_ == State::awake) return;
    state_ = State::awake;
    selector.wake();
  }

  [[nodiscard]] bool has_posts() const noexcept { return count_.load(std::memory_order_relaxed) > 0; }

  ReadyQueue collect() {
    ReadyQueue taken;
    const std::lock_guard lock(mutex_);
    taken.append(std::move(nodes_));
    count_.store(0, std::memory_order_relaxed);
    return taken;
  }

  [[nodiscard]] bool fall_asleep() {
    const std::lock_guard lock(mutex_);
    if (count_.load(std::memory_order_relaxed) > 0) return false;
    if (state_ == State::awake) state_ = State::asleep;
    return true;
  }

  void wake_up() {
    const std::lock_guard lock(mutex_);
    if (state_ == State::asleep) state_ = State::awake;
  }

  ReadyQueue close() {
    {
      const std::lock_guard lock(mutex_);
      state_ = State::closed;
    }
    return collect();
  }

 private:
  enum class State { awake, asleep, closed };

  std::mutex mutex_;
  ReadyQueue nodes_;
  State state_ = State::awake;
  std::atomic<std::size_t> count_ = 0;
};

}  // namespace asyncio
