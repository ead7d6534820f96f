#pragma once

#include <atomic>
#include <stdexcept>
#include <thread>

namespace asyncio {

class EventLoop;

namespace detail {

/// The loops of one thread; either may be null.
struct ThreadState {
  EventLoop* running = nullptr;
  EventLoop* set = nullptr;  // by set_event_loop()
};

/// The state of the calling thread.
inline ThreadState& thread_state() noexcept {
  static thread_local constinit ThreadState state;
  return state;
}

}  // namespace detail

/// The loop that is running on this thread. Python: `asyncio.get_running_loop`.
/// @throws std::runtime_error if none is
inline EventLoop& get_running_loop() {
  if (EventLoop* loop = detail::thread_state().running) return *loop;
  throw std::runtime_error("no running event loop");
}

/// The loop that is running on this thread, or else the one that was set for it. Python:
/// `asyncio.get_event_loop`.
/// @throws std::runtime_error if there is neither
inline EventLoop& get_event_loop() {
  const detail::ThreadState& state = detail::thread_state();
  if (EventLoop* loop = state.running ? state.running : state.set) return *loop;
  throw std::runtime_error("There is no current event loop in this thread");
}

/// Sets the loop of this thread, for get_event_loop(); null for none. The loop must live as long, or be
/// destroyed on this thread. Python: `asyncio.set_event_loop`.
inline void set_event_loop(EventLoop* loop) noexcept { detail::thread_state().set = loop; }

/// The thread that a loop runs on, if it runs.
class LoopThread {
 public:
  [[nodiscard]] bool is_running() const noexcept {
    return id_.load(std::memory_order_relaxed) != std::thread::id();
  }

  /// Throws if the loop is running, and on another thread than this one.
  void check() const {
    if (is_running() && id_.load(std::memory_order_relaxed) != std::this_thread::get_id())
      throw std::runtime_error(
          "Non-thread-safe operation invoked on an event loop other than the current one");
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
