#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "awaitable.hpp"
#include "done_listener.hpp"
#include "future.hpp"
#include "thread_bridge.hpp"
#include "async_with.hpp"
#include "task.hpp"
#include "todo.hpp"
#include "waiting.hpp"

namespace asyncio {

namespace detail {

/// Ends `future` as `source` has ended. For the loop's thread.
template <class T>
void copy_outcome(concurrent::Future<T>& source, Future<T>& future) {
  // TODO 6.3: If the future is done(), there is nothing to do: it was cancelled. If the
  // source was cancelled(), cancel() the future. If the source has an exception(), that, translated(), is the
  // future's. Otherwise the result is, for void, nothing; or set_result_of() what is: if a T cannot be copied
  // (it is no reference, and not is_copyable), the value() of the source's shared_state(), moved; and
  // otherwise the source's result().
  todo("6.3", "copy_outcome");
}

}  // namespace detail

/// A Future of `loop` that ends as a future of an executor does. To cancel it cancels the other. If the loop
/// is closed before, the result is dropped. For the loop's thread. Python: `asyncio.wrap_future`.
template <class T>
Future<T> wrap_future(concurrent::Future<T> source, EventLoop& loop) {
  Future<T> future = loop.create_future<T>();
  // TODO 6.4: Keep the future in the ThreadBridge of the loop, which gives you its number.
  // When the future is done and was cancelled(), cancel() the source. When the source is done, on whatever
  // thread that is, post to the ThreadBridge's weak_loop() a function that takes the future of that number
  // out of the ThreadBridge again and, if it is there, lets copy_outcome() do the rest: typed() makes a
  // Future<T> of what was kept. The callback of the source must hold the WeakLoop, not the future, whose
  // handles are for the loop's thread alone.
  todo("6.4", "wrap_future");
  return future;
}
/// Returns a Future of the running loop that ends as `source` does.
/// @throws std::runtime_error if no loop is running on this thread
template <class T>
Future<T> wrap_future(concurrent::Future<T> source) {
  return wrap_future(std::move(source), get_running_loop());
}

namespace detail {

/// True if the executor works on threads or in processes, and not when its owner says.
template <class E>
bool runs_elsewhere(E& executor) noexcept {
  if constexpr (std::derived_from<E, concurrent::ManualExecutor>)
    return false;
  else if constexpr (std::derived_from<E, concurrent::Executor>)
    return !dynamic_cast<concurrent::ManualExecutor*>(&executor);
  else
    return true;
}

/// Calls a function on a thread, for loop.run_in_executor().
template <class E, class F, class... Args>
auto loop_run_in_executor(EventLoop& loop, E&& executor, F&& fn, Args&&... args) {
  loop.check();
  if constexpr (std::is_null_pointer_v<std::remove_cvref_t<E>>) {
    return loop_run_in_executor(loop, loop.use_service<ThreadBridge>().executor(), std::forward<F>(fn),
                                std::forward<Args>(args)...);
  } else {
    auto future = wrap_future(executor.submit(std::forward<F>(fn), std::forward<Args>(args)...), loop);
    if (runs_elsewhere(executor)) await_work_elsewhere(loop, future);
    return future;
  }
}

/// Sets the executor, for loop.set_default_executor().
inline void loop_set_default_executor(EventLoop& loop, std::shared_ptr<concurrent::Executor> executor) {
  if (!executor) throw std::invalid_argument("set_default_executor: the executor must not be null");
  loop.check();
  loop.use_service<ThreadBridge>().set(std::move(executor));
}

/// Reports it if the executor's threads have not ended in time.
inline void check_joined(EventLoop& loop, const Future<>& joined) {
  if (!joined.done())
    loop.call_exception_handler({.message = "The executor did not finish joining its threads in time."});
}

/// Waits for the executor, for loop.shutdown_default_executor().
template <class Limit>
Coro<void> loop_shutdown_default_executor(EventLoop& loop, Limit timeout) {
  const Future<> joined = loop.use_service<ThreadBridge>().shut_down();
  const Waiting waiting(get_running_loop(), {joined}, {.timeout = timeout});
  co_await waiting.enough();
  check_joined(loop, joined);
}

/// Joins the executor while the loop runs: what still works may need the loop. (No coroutine: g++ compiles
/// those that an inline function needs, whether that is used or not, and all that they need.)
inline void ThreadBridge::join() {
  const Future<> joined = shut_down();
  const Waiting waiting(*loop(), {joined}, {.timeout = join_timeout});
  loop()->run_until_complete(waiting.enough());
  check_joined(*loop(), joined);
}

template <class F, class... Args>
Coro<concurrent::CallResult<F, Args...>> in_thread(F fn, Args... args) {
  // TODO 7.1: Let loop_run_in_executor() call the function, with its arguments, all moved,
  // from the running loop on nullptr, its own executor. Return what you await of that.
  todo("7.1", "in_thread");
}

}  // namespace detail

/// Calls `fn(args...)` on a thread of the loop's own executor, from when it is awaited. Python:
/// `asyncio.to_thread`.
/// @returns what it returns
/// @throws what it throws
template <class F, class... Args>
auto to_thread(F&& fn, Args&&... args) {
  static_assert(
      detail::is_safe_body<F>,
      "this g++ destroys captures of such a lambda twice: give the lambda a name, and pass that; or hand in "
      "arguments");
  return detail::in_thread<std::decay_t<F>, std::decay_t<Args>...>(std::forward<F>(fn),
                                                                   std::forward<Args>(args)...);
}

namespace detail {

/// Lets `promise` end as the task does, and its cancellation cancel the task. For the loop's thread.
template <class T>
void chain(EventLoop& loop, Future<T> task, concurrent::Promise<T> promise) {
  // TODO 7.2: Keep the task in the ThreadBridge of the loop, which gives you its number. When the
  // promise's future is done and was cancelled(), on whatever thread, post to the weak_loop() a function that
  // finds the task of that number and, if it is there, cancel()s it. When the task is done, take it out; the
  // promise, moved into that callback, goes with it. If the task was cancelled(), that is all: so is the
  // future of a promise that goes. The same if the promise, that you let set_running_or_notify_cancel(), says
  // that it was cancelled. Otherwise set its exception, translated(); or its result, of an rvalue, or for
  // void nothing. If the result cannot be copied, what that throws is the exception.
  todo("7.2", "chain");
}

}  // namespace detail

/// Runs a Coro as a task of a loop that runs on another thread. To cancel the future cancels the task. If the
/// loop is closed before the task is done, the future is cancelled. Any thread may call it. Python:
/// `asyncio.run_coroutine_threadsafe`.
/// @throws std::runtime_error if the loop is closed
template <class T>
concurrent::Future<T> run_coroutine_threadsafe(Coro<T> coro, EventLoop& loop) {
  concurrent::Promise<T> promise;
  concurrent::Future<T> future = promise.future();
  // TODO 7.3: Let the loop call_soon_threadsafe() a function that makes a task
  // of the coroutine, and chain()s it to the promise; both are moved into the function.
  todo("7.3", "run_coroutine_threadsafe");
  return future;
}

}  // namespace asyncio
