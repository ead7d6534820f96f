#pragma once

#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "acceptor.hpp"
#include "epoll_selector.hpp"
#include "event_loop.hpp"
#include "sockets.hpp"
#include "todo.hpp"
#include "persistent_callback.hpp"

/// The members of EventLoop that need an EpollSelector, and all else that this chapter brings.
namespace asyncio {

/// The selector, if it is one for files.
inline EpollSelector& EventLoop::epoll() {
  if (auto* selector = dynamic_cast<EpollSelector*>(selector_.get())) return *selector;
  throw std::logic_error("this event loop watches no files: give it a std::make_unique<EpollSelector>()");
}

/// Makes what is called again and again.
template <class F, class... Args>
Ref<Operation> EventLoop::make_persistent(F&& fn, Args&&... args) {
  using Call = Bound<std::decay_t<F>, std::decay_t<Args>...>;
  static_assert(std::is_invocable_v<std::decay_t<F>&, std::decay_t<Args>&...>,
                "the function cannot be called with copies of these arguments, as lvalues: it is called "
                "again and again");
  return pool_->make<PersistentCallback<Call>>(Call{std::forward<F>(fn), {std::forward<Args>(args)...}});
}

template <class F, class... Args>
void EventLoop::watch(Ready ready, int fd, F&& fn, Args&&... args) {
  // <exercise 3.2 EventLoop::watch> check() whether the loop takes anything, as call_soon() does. Then let
  // epoll() watch the file, and call what make_persistent() makes of the function and its arguments.
  check();
  epoll().watch(fd, ready, make_persistent(std::forward<F>(fn), std::forward<Args>(args)...));
  // </exercise>
}

inline bool EventLoop::unwatch(Ready ready, int fd) {
  // <exercise 3.3 EventLoop::unwatch> In debug mode check_thread(), but not whether the loop is closed: then
  // there is nothing to remove, and that is no error. Let epoll() do the rest.
  if (debug_) check_thread();
  return epoll().unwatch(fd, ready);
  // </exercise>
}

template <class F, class... Args>
void EventLoop::add_reader(int fd, F&& fn, Args&&... args) {
  watch(Ready::to_read, fd, std::forward<F>(fn), std::forward<Args>(args)...);
}

template <class F, class... Args>
void EventLoop::add_writer(int fd, F&& fn, Args&&... args) {
  watch(Ready::to_write, fd, std::forward<F>(fn), std::forward<Args>(args)...);
}

inline bool EventLoop::remove_reader(int fd) { return unwatch(Ready::to_read, fd); }
inline bool EventLoop::remove_writer(int fd) { return unwatch(Ready::to_write, fd); }

template <class F, class... Args>
void EventLoop::add_signal_handler(int number, F&& fn, Args&&... args) {
  check();
  epoll().handle_signal(number, make_persistent(std::forward<F>(fn), std::forward<Args>(args)...));
}

inline bool EventLoop::remove_signal_handler(int number) {
  if (debug_) check_thread();
  return epoll().forget_signal(number);
}

}  // namespace asyncio
