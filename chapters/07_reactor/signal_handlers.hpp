#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include "event_counter.hpp"
#include "fd.hpp"
#include "ready_queue.hpp"
#include "ref.hpp"
#include "todo.hpp"

namespace asyncio {

class SignalHandlers;

namespace detail {

inline constexpr int signal_count = NSIG;

/// Counts up when a signal comes. There is one for the process, which stays open: a handler may be about to
/// write to it on any thread, at any time.
inline const concurrent::Fd& signal_counter() {
  static const concurrent::Fd counter = event_counter();
  return counter;
}
inline std::atomic<int> signal_counter_fd = -1;  // of signal_counter(), for the handler

// For 4.1: members of your choice.

/// Lets the loop whose signal it is know. The system calls it in the middle of whatever a thread does, even
/// in malloc(): it may lock nothing, allocate nothing and throw nothing.
inline void on_signal(int number) noexcept {
  const int saved = errno;  // of a call that the thread may just have made
  todo("4.1", "on_signal");
  errno = saved;
}

}  // namespace detail

/// Calls the handlers of one loop when signals come. For the loop's thread; other loops may run on others.
class SignalHandlers {
 public:
  SignalHandlers() = default;
  SignalHandlers(const SignalHandlers&) = delete;
  SignalHandlers& operator=(const SignalHandlers&) = delete;
  ~SignalHandlers() { clear(); }

  [[nodiscard]] bool empty() const noexcept { return handlers_.empty(); }

  /// Has `node` called when signal `number` comes, in place of what was called before. Of all loops, this
  /// one is told of it from now on, and of what has come already and no loop was told of.
  /// @throws std::invalid_argument if there is no such signal; std::runtime_error if it cannot be caught;
  /// then `node` is dropped, and all else is as it was
  void add(int number, Ref<Operation> node) {
    ReadyQueue owner;  // which drops it if this throws
    owner.push(std::move(node));
    if (number < 1 || number >= detail::signal_count)
      throw std::invalid_argument("sig " + std::to_string(number) + " out of range");
    detail::signal_counter_fd = detail::signal_counter().get();
    todo("4.1", "SignalHandlers::add");
  }

  /// Removes the handler of a signal, and destroys it. If the signal is still ours, it does again what it
  /// does by default. @returns false if there was none
  bool remove(int number) {
    todo("4.1", "SignalHandlers::remove");
  }

  /// Adds to `found` what is to be called for the signals that have come since the last time, and are ours.
  void collect(ReadyQueue& found) {
    todo("4.1", "SignalHandlers::collect");
  }

  void clear() noexcept {
    while (!handlers_.empty()) remove(handlers_.begin()->first);
  }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  /// Has the system call `handler`, or SIG_DFL for the default. @returns false if it refuses
  static bool set_action(int number, void (*handler)(int)) noexcept {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;  // calls on other threads go on
    return ::sigaction(number, &action, nullptr) == 0;
  }

  std::map<int, Ref<Operation>> handlers_;  // by the number of the signal
};

}  // namespace asyncio
