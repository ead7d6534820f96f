#pragma once

#include <optional>
#include <utility>

#include "loop_time.hpp"
#include "safe_body.hpp"
#include "task_options.hpp"

namespace asyncio::detail {

/// The methods of a loop that later chapters bring: a base of EventLoop. Each passes its arguments on to a
/// function, loop_add_reader() for add_reader(), which the chapter's header defines in this namespace. The
/// compiler looks for it where the method is used, so that this header need not know it, only the options
/// that it takes.
template <class Loop>
class LoopMethods {
 public:
  // ---- Chapter 07: files and signals

  /// Calls `fn(args...)` whenever the file `fd` can be read, or its peer has gone, until remove_reader(). If
  /// there was such a callback for it already, that one is removed. Python: `loop.add_reader`.
  /// @throws std::logic_error if the loop has no EpollSelector; std::system_error if `fd` cannot be watched;
  /// otherwise as call_soon()
  template <class F, class... Args>
  void add_reader(int fd, F&& fn, Args&&... args) {
    static_assert(has_reactor<Loop>, "for add_reader() include reactor.hpp (chapter 07)");
    loop_add_reader(self(), fd, std::forward<F>(fn), std::forward<Args>(args)...);
  }

  /// As add_reader(), whenever it can be written. Python: `loop.add_writer`.
  template <class F, class... Args>
  void add_writer(int fd, F&& fn, Args&&... args) {
    static_assert(has_reactor<Loop>, "for add_writer() include reactor.hpp (chapter 07)");
    loop_add_writer(self(), fd, std::forward<F>(fn), std::forward<Args>(args)...);
  }

  /// The callback will not be called, even if it is ready to run in this very pass. Say so *before* you close
  /// the file. Python: `loop.remove_reader`, `loop.remove_writer`.
  /// @returns true if there was one
  bool remove_reader(int fd) {
    static_assert(has_reactor<Loop>, "for remove_reader() include reactor.hpp (chapter 07)");
    return loop_remove_reader(self(), fd);
  }
  bool remove_writer(int fd) {
    static_assert(has_reactor<Loop>, "for remove_writer() include reactor.hpp (chapter 07)");
    return loop_remove_writer(self(), fd);
  }

  /// Calls `fn(args...)` after the process has got the signal `number`; once, if that came several times
  /// meanwhile. Of all loops of the process, the last that asked is told. Python: `loop.add_signal_handler`.
  /// @throws std::invalid_argument if there is no such signal; std::runtime_error if it cannot be caught;
  /// otherwise as add_reader()
  template <class F, class... Args>
  void add_signal_handler(int number, F&& fn, Args&&... args) {
    static_assert(has_reactor<Loop>, "for add_signal_handler() include reactor.hpp (chapter 07)");
    loop_add_signal_handler(self(), number, std::forward<F>(fn), std::forward<Args>(args)...);
  }

  /// The signal does what it does by default again. Python: `loop.remove_signal_handler`.
  /// @returns true if there was a handler
  bool remove_signal_handler(int number) {
    static_assert(has_reactor<Loop>, "for remove_signal_handler() include reactor.hpp (chapter 07)");
    return loop_remove_signal_handler(self(), number);
  }

  // ---- Chapter 09: futures and tasks

  /// Makes a Future of this loop. Python: `loop.create_future`.
  template <class T = void>
  [[nodiscard]] auto create_future() {
    static_assert(has_tasks<Loop>, "for create_future() include task.hpp (chapter 09)");
    return loop_create_future<T>(self());
  }

  /// Runs a Coro, or whatever can be awaited, as a Task: from the next pass on. The loop keeps the task until
  /// it is done. Python: `loop.create_task`.
  /// @throws std::runtime_error if the loop is closed; then the coroutine is destroyed
  template <class A>
  auto create_task(A&& awaitable, const TaskOptions& options = {}) {
    static_assert(has_tasks<Loop>, "for create_task() include task.hpp (chapter 09)");
    return loop_create_task(self(), std::forward<A>(awaitable), options);
  }

  /// Runs until `awaitable` is done: a Coro, a Future, a Task. Python: `loop.run_until_complete`.
  /// @returns its result
  /// @throws what it throws; std::runtime_error if the loop was stopped before it was done, and as
  /// run_forever(); std::invalid_argument if it is a Future of another loop
  template <class A>
  decltype(auto) run_until_complete(A&& awaitable) {
    static_assert(has_tasks<Loop>, "for run_until_complete() include task.hpp (chapter 09)");
    return loop_run_until_complete(self(), std::forward<A>(awaitable));
  }

  // ---- Chapter 10: threads

  /// Calls `fn(args...)` on an executor of chapters 02 to 05, or on the loop's own if `executor` is nullptr.
  /// Python: `loop.run_in_executor`.
  /// @returns a Future of the result. To cancel it keeps the call from starting; one that runs, runs on.
  /// @throws as call_soon(), and what the executor's submit() throws
  template <class E, class F, class... Args>
  auto run_in_executor(E&& executor, F&& fn, Args&&... args) {
    static_assert(has_threads<Loop>, "for run_in_executor() include bridge.hpp (chapter 10)");
    static_assert(detail::is_safe_body<F>,
                  "this g++ destroys captures of such a lambda twice: give the lambda a name, and pass that; "
                  "or hand in arguments");
    return loop_run_in_executor(self(), std::forward<E>(executor), std::forward<F>(fn),
                                std::forward<Args>(args)...);
  }

  /// Sets the executor that nullptr stands for, a std::shared_ptr, which is shut down when the loop is
  /// closed. Without this, it is a ThreadPoolExecutor. Python: `loop.set_default_executor`.
  template <class E>
  void set_default_executor(E&& executor) {
    static_assert(has_threads<Loop>, "for set_default_executor() include bridge.hpp (chapter 10)");
    loop_set_default_executor(self(), std::forward<E>(executor));
  }

  /// Waits until the loop's own executor has done its work, without blocking the loop; it takes no more. With
  /// a timeout, it is left alone after that. Python: `loop.shutdown_default_executor`.
  auto shutdown_default_executor(std::optional<concurrent::AnyDuration> timeout = std::nullopt) {
    static_assert(has_threads<Loop>, "for shutdown_default_executor() include bridge.hpp (chapter 10)");
    return loop_shutdown_default_executor(self(), timeout);
  }

  // ---- Chapter 12: sockets. What they take and give stands in its header.

  /// Receives some bytes. Python: `loop.sock_recv`.
  template <class... Args>
  auto sock_recv(Args&&... args) {
    static_assert(has_sockets<Loop>, "for sock_recv() include streams.hpp (chapter 12)");
    return loop_sock_recv(self(), std::forward<Args>(args)...);
  }
  /// Sends all bytes. Python: `loop.sock_sendall`.
  template <class... Args>
  auto sock_sendall(Args&&... args) {
    static_assert(has_sockets<Loop>, "for sock_sendall() include streams.hpp (chapter 12)");
    return loop_sock_sendall(self(), std::forward<Args>(args)...);
  }
  /// Connects to an address. Python: `loop.sock_connect`.
  template <class... Args>
  auto sock_connect(Args&&... args) {
    static_assert(has_sockets<Loop>, "for sock_connect() include streams.hpp (chapter 12)");
    return loop_sock_connect(self(), std::forward<Args>(args)...);
  }
  /// Takes a connection. Python: `loop.sock_accept`.
  template <class... Args>
  auto sock_accept(Args&&... args) {
    static_assert(has_sockets<Loop>, "for sock_accept() include streams.hpp (chapter 12)");
    return loop_sock_accept(self(), std::forward<Args>(args)...);
  }

 private:
  // True if the chapter's header is included: then the compiler finds one of its functions.
  template <class L>
  static constexpr bool has_reactor = requires(L& loop) {
    loop_remove_reader(loop, 0);
  };
  template <class L>
  static constexpr bool has_tasks = requires(L& loop) {
    loop_create_future<void>(loop);
  };
  template <class L>
  static constexpr bool has_threads = requires(L& loop) {
    loop_set_default_executor(loop, nullptr);
  };
  template <class L>
  static constexpr bool has_sockets = requires(L& loop) {
    loop_has_sockets(loop);
  };

  [[nodiscard]] Loop& self() noexcept { return static_cast<Loop&>(*this); }
};

}  // namespace asyncio::detail
