#pragma once

#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "acceptor.hpp"
#include "callback.hpp"
#include "epoll_selector.hpp"
#include "event_loop.hpp"
#include "persistent_callback.hpp"
#include "sockets.hpp"

/// The methods of a loop that need an EpollSelector, as LoopMethods declares them.
namespace asyncio::detail {

/// Returns the selector, if it is one for files.
inline EpollSelector& epoll_of(EventLoop& loop) {
  if (auto* selector = dynamic_cast<EpollSelector*>(&loop.selector())) return *selector;
  throw std::logic_error("this event loop watches no files: give it a std::make_unique<EpollSelector>()");
}

/// Makes what is called again and again.
template <class F, class... Args>
Ref<Operation> make_persistent(EventLoop& loop, F&& fn, Args&&... args) {
  using Call = Bound<std::decay_t<F>, std::decay_t<Args>...>;
  static_assert(std::is_invocable_v<std::decay_t<F>&, std::decay_t<Args>&...>,
                "the function cannot be called with copies of these arguments, as lvalues: it is called "
                "again and again");
  return loop.nodes().make<PersistentCallback<Call>>(
      Call{std::forward<F>(fn), {std::forward<Args>(args)...}});
}

template <class F, class... Args>
void watch(EventLoop& loop, Ready ready, int fd, F&& fn, Args&&... args) {
  loop.check();
  epoll_of(loop).watch(fd, ready, make_persistent(loop, std::forward<F>(fn), std::forward<Args>(args)...));
}

inline bool unwatch(EventLoop& loop, Ready ready, int fd) {
  loop.check_caller();
  return epoll_of(loop).unwatch(fd, ready);
}

template <class F, class... Args>
void loop_add_reader(EventLoop& loop, int fd, F&& fn, Args&&... args) {
  watch(loop, Ready::to_read, fd, std::forward<F>(fn), std::forward<Args>(args)...);
}

template <class F, class... Args>
void loop_add_writer(EventLoop& loop, int fd, F&& fn, Args&&... args) {
  watch(loop, Ready::to_write, fd, std::forward<F>(fn), std::forward<Args>(args)...);
}

inline bool loop_remove_reader(EventLoop& loop, int fd) { return unwatch(loop, Ready::to_read, fd); }
inline bool loop_remove_writer(EventLoop& loop, int fd) { return unwatch(loop, Ready::to_write, fd); }

template <class F, class... Args>
void loop_add_signal_handler(EventLoop& loop, int number, F&& fn, Args&&... args) {
  loop.check();
  epoll_of(loop).handle_signal(number,
                               make_persistent(loop, std::forward<F>(fn), std::forward<Args>(args)...));
}

inline bool loop_remove_signal_handler(EventLoop& loop, int number) {
  loop.check_caller();
  return epoll_of(loop).forget_signal(number);
}

}  // namespace asyncio::detail
