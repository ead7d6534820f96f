#pragma once

#include <stdexcept>

#include "todo.hpp"

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
  // TODO 7.3: The running one of the thread_state(). If there is none, throw a
  // std::runtime_error "no running event loop".
  todo("7.3", "get_running_loop");
}

/// The loop that is running on this thread, or else the one that was set for it. Python:
/// `asyncio.get_event_loop`.
/// @throws std::runtime_error if there is neither
inline EventLoop& get_event_loop() {
  // TODO 7.4: The running one of the thread_state(), or else the one that is set. If
  // there is neither, throw a std::runtime_error "There is no current event loop in this thread".
  todo("7.4", "get_event_loop");
}

/// Sets the loop of this thread, for get_event_loop(); null for none. The loop must live as long, or be
/// destroyed on this thread. Python: `asyncio.set_event_loop`.
inline void set_event_loop(EventLoop* loop) noexcept { detail::thread_state().set = loop; }

}  // namespace asyncio
