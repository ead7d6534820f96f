#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "awaitable.hpp"
#include "cancel_all.hpp"
#include "event_loop.hpp"
#include "loop_future.hpp"
#include "loop_task.hpp"
#include "todo.hpp"

namespace asyncio {

namespace detail {

/// Runs the loop until `future` is done. Whatever happens, nothing is left that stops a later run.
/// @throws std::runtime_error if the loop was stopped before; what run_forever() throws
template <class T>
void run_until_done(EventLoop& loop, Future<T>& future) {
  todo("7.1", "run_until_done");
}

/// Runs until `awaitable` is done, for loop.run_until_complete().
template <class A>
decltype(auto) loop_run_until_complete(EventLoop& loop, A&& awaitable) {
  static_assert(can_be_awaited<A>());
  loop.check_can_run();
  auto future = ensure_future(std::forward<A>(awaitable), loop);
  run_until_done(loop, future);
  return std::move(future).result();
}

}  // namespace detail

/// Options of a Runner, and of run(). Python: the keyword arguments of `asyncio.run`.
struct RunOptions {
  bool debug = false;                                          ///< the loop's debug mode
  std::function<std::unique_ptr<EventLoop>()> loop_factory{};  ///< instead of new_event_loop()
};

/// A loop for several calls of run(), and what is to be done when they are over. For one thread.
/// Python: `asyncio.Runner`.
class Runner {
 public:
  explicit Runner(RunOptions options = {}) : options_(std::move(options)) {}
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  /// Closes it. What close() throws is written to stderr.
  ~Runner() {
    try {
      close();
    } catch (...) {
      write_exception({"Error when a Runner was closed", std::current_exception()});
    }
  }

  /// Runs until `awaitable`, a Coro or whatever can be awaited, is done.
  /// @returns its result
  /// @throws what it throws; std::runtime_error if a loop is running on this thread, or the runner is closed
  template <class A>
  decltype(auto) run(A&& awaitable) {
    if (EventLoop::running())
      throw std::runtime_error("Runner.run() cannot be called from a running event loop");
    return get_loop().run_until_complete(std::forward<A>(awaitable));
  }

  /// Its loop, which is made when it is first needed, and set for this thread.
  /// @throws std::runtime_error if the runner is closed
  EventLoop& get_loop() {
    if (closed_) throw std::runtime_error("Runner is closed");
    if (!loop_) {
      loop_ = options_.loop_factory ? options_.loop_factory() : new_event_loop();
      if (!loop_) throw std::invalid_argument("the loop_factory gave no loop");
      if (options_.debug) loop_->set_debug(true);
      set_event_loop(loop_.get());
    }
    return *loop_;
  }

  /// Cancels the tasks that are left, and runs until they are done; then closes the loop. Closing it again
  /// does nothing.
  /// @throws std::runtime_error if its loop is running: then it stays open; if a task stops the loop
  /// meanwhile, or another loop is running on this thread: then it is closed all the same
  void close() {
    todo("7.2", "Runner::close");
  }

 private:
  /// Lets the tasks that are left end, and reports what fails in it.
  static void cancel_all_tasks(EventLoop& loop) {
    const std::vector<AnyTask> left = all_tasks(loop);
    detail::cancel_all(left);
    loop.run_until_complete(until_done(left));
    for (const AnyTask& task : left)
      if (!task.cancelled() && task.exception())
        loop.call_exception_handler(
            {.message = "unhandled exception during asyncio.run() shutdown", .exception = task.exception()});
  }

  // A template, as all coroutines of the course's headers are: g++ compiles others whether they are used or
  // not.
  template <class Tasks>
  static Coro<> until_done(const Tasks& tasks) {
    for (const AnyTask& task : tasks) co_await detail::DoneAwaiter(task);
  }

  RunOptions options_;
  std::unique_ptr<EventLoop> loop_;
  bool closed_ = false;
};

/// Runs a program: a fresh loop, in which `main`, a Coro or whatever can be awaited, runs until it is done.
/// Tasks that are left then are cancelled, and run until they are done too. Python: `asyncio.run`.
/// @returns what main returns
/// @throws what it throws; std::runtime_error if a loop is running on this thread
template <class A>
decltype(auto) run(A&& main, RunOptions options = {}) {
  if (EventLoop::running())
    throw std::runtime_error("asyncio.run() cannot be called from a running event loop");
  Runner runner(std::move(options));
  return runner.run(std::forward<A>(main));
}

}  // namespace asyncio
