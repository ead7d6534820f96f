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

/// A Future of `loop` that ends as a future of an executor does. To cancel it cancels the other. If the loop
/// is closed before, the result is dropped. For the loop's thread. Python: `asyncio.wrap_future`.
template <class T>
Future<T> wrap_future(concurrent::Future<T> source, EventLoop& loop) {
  Future<T> future = loop.create_future<T>();
  // <exercise 6.1 wrap_future>
  auto& bridge = loop.use_service<detail::ThreadBridge>();
  const std::uint64_t number = bridge.keep(future);
  future.add_done_callback([source](const Future<T>& future) mutable {
    if (future.cancelled()) source.cancel();
  });
  source.add_done_callback([weak_loop = bridge.weak_loop(), &loop, number](concurrent::Future<T> source) {
    weak_loop->post([&loop, number, source]() mutable {
      const std::optional<AnyFuture> kept = loop.use_service<detail::ThreadBridge>().take(number);
      if (!kept) return;
      Future<T> future = detail::typed<T>(*kept);
      if (future.done()) return;  // it was cancelled
      if (source.cancelled())
        future.cancel();
      else
        detail::hand_on(source, future, detail::translated);
    });
  });
  // </exercise>
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
  co_return co_await loop_run_in_executor(get_running_loop(), nullptr, std::move(fn), std::move(args)...);
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

/// Runs a Coro as a task of a loop that runs on another thread. To cancel the future cancels the task. If the
/// loop is closed before the task is done, the future is cancelled. Any thread may call it. Python:
/// `asyncio.run_coroutine_threadsafe`.
/// @throws std::runtime_error if the loop is closed
template <class T>
concurrent::Future<T> run_coroutine_threadsafe(Coro<T> coro, EventLoop& loop) {
  // <exercise 7.1 run_coroutine_threadsafe>
  concurrent::Promise<T> promise;
  concurrent::Future<T> future = promise.future();
  loop.call_soon_threadsafe([&loop, coro = std::move(coro), promise = std::move(promise)]() mutable {
    Task<T> task = loop.create_task(std::move(coro));
    auto& bridge = loop.use_service<detail::ThreadBridge>();
    const std::uint64_t number = bridge.keep(task);
    // On whatever thread.
    promise.future().add_done_callback(
        [weak_loop = bridge.weak_loop(), &loop, number](const concurrent::Future<T>& future) {
          if (!future.cancelled()) return;
          weak_loop->post([&loop, number] {
            auto task = loop.use_service<detail::ThreadBridge>().find(number);
            // To cancel one that has failed meanwhile would be a look at its error, which is nobody's then.
            if (task && !task->done()) task->cancel();
          });
        });
    task.add_done_callback([&bridge, number, promise = std::move(promise)](Future<T> task) mutable {
      bridge.take(number);
      // Whatever comes, it goes at the end; and a promise that goes cancels its future.
      concurrent::Promise<T> outcome = std::move(promise);
      if (task.cancelled() || !outcome.set_running_or_notify_cancel()) return;
      detail::hand_on(std::move(task), outcome, detail::translated);
    });
  });
  return future;
  // </exercise>
}

}  // namespace asyncio
