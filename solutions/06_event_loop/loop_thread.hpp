#pragma once

#include <atomic>
#include <stdexcept>
#include <thread>

#include "current_loop.hpp"
#include "todo.hpp"

namespace asyncio {

/// The thread that a loop runs on, if it runs.
class LoopThread {
 public:
  [[nodiscard]] bool is_running() const noexcept {
    return id_.load(std::memory_order_relaxed) != std::thread::id();
  }

  /// Throws if the loop is running, and on another thread than this one.
  void check() const {
    // <exercise 6.3 LoopThread::check> If it is_running(), and id_ is not this thread's, throw a
    // std::runtime_error "Non-thread-safe operation invoked on an event loop other than the current one".
    if (is_running() && id_.load(std::memory_order_relaxed) != std::this_thread::get_id())
      throw std::runtime_error(
          "Non-thread-safe operation invoked on an event loop other than the current one");
    // </exercise>
  }

  /// Marks `loop` as running on this thread, as long as this lives.
  class Running {
   public:
    Running(LoopThread& thread, EventLoop& loop) noexcept : thread_(thread) {
      thread_.id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
      detail::thread_state().running = &loop;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
      detail::thread_state().running = nullptr;
      thread_.id_.store({}, std::memory_order_relaxed);
    }

   private:
    LoopThread& thread_;
  };

 private:
  std::atomic<std::thread::id> id_{};  // none if it does not run
};

}  // namespace asyncio
