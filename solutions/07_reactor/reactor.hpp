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
#include "watch.hpp"

/// The members of EventLoop that need an EpollSelector, and all else that this chapter brings.
namespace asyncio {

/// The selector, if it is one for files.
inline EpollSelector& EventLoop::epoll() {
  if (auto* selector = dynamic_cast<EpollSelector*>(selector_.get())) return *selector;
  throw std::logic_error("this event loop watches no files: give it a std::make_unique<EpollSelector>()");
}

template <class F, class... Args>
auto& EventLoop::make_watch(F&& fn, Args&&... args) {
  using Call = Bound<std::decay_t<F>, std::decay_t<Args>...>;
  static_assert(std::is_invocable_v<std::decay_t<F>&, std::decay_t<Args>&...>,
                "the function cannot be called with copies of these arguments, as lvalues: it is called "
                "again and again");
  return pool_->make<Watch<Call>>(Call{std::forward<F>(fn), {std::forward<Args>(args)...}});
}

template <class F, class... Args>
void EventLoop::add_reader(int fd, F&& fn, Args&&... args) {
  check();
  epoll().watch(fd, Ready::to_read, make_watch(std::forward<F>(fn), std::forward<Args>(args)...));
}

template <class F, class... Args>
void EventLoop::add_writer(int fd, F&& fn, Args&&... args) {
  check();
  epoll().watch(fd, Ready::to_write, make_watch(std::forward<F>(fn), std::forward<Args>(args)...));
}

inline bool EventLoop::remove_reader(int fd) {
  if (debug_) check_thread();
  return epoll().unwatch(fd, Ready::to_read);
}

inline bool EventLoop::remove_writer(int fd) {
  if (debug_) check_thread();
  return epoll().unwatch(fd, Ready::to_write);
}

template <class F, class... Args>
void EventLoop::add_signal_handler(int number, F&& fn, Args&&... args) {
  check();
  epoll().handle_signal(number, make_watch(std::forward<F>(fn), std::forward<Args>(args)...));
}

inline bool EventLoop::remove_signal_handler(int number) {
  if (debug_) check_thread();
  return epoll().forget_signal(number);
}

}  // namespace asyncio
