#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "awaitable.hpp"
#include "coro.hpp"
#include "event_loop.hpp"
#include "loop_future.hpp"
#include "task_cell.hpp"
#include "task_options.hpp"
#include "todo.hpp"

namespace asyncio {

namespace detail {

/// The members that handles of tasks have beyond those of futures. `Handle` has a state().
template <class Handle>
class TaskMembers {
 public:
  /// Takes back a request to cancel: who catches a CancelledError and goes on says so with it.
  /// Python: `task.uncancel`.
  /// @returns how many requests are left
  std::size_t uncancel() noexcept { return task().uncancel(); }

  /// How many times cancel() was called before it was done, less uncancel(). Python: `task.cancelling`.
  [[nodiscard]] std::size_t cancelling() const noexcept { return task().cancelling(); }

  /// Its name, for people. Python: `task.get_name`, `task.set_name`.
  [[nodiscard]] std::string get_name() const { return task().name(); }
  void set_name(std::string_view name) { task().set_name(name); }

 protected:
  [[nodiscard]] TaskBase& task() const noexcept { return *static_cast<const Handle&>(*this).state().task(); }
};

template <class T>
Task<T> start(EventLoop& loop, Coro<T> coro, const TaskOptions& options);

}  // namespace detail

/// A Task, of whatever type. Python: `asyncio.Task`.
class AnyTask : public AnyFuture, public detail::TaskMembers<AnyTask> {
 private:
  template <class T>
  friend class Task;
  friend std::optional<AnyTask> current_task();
  friend std::vector<AnyTask> all_tasks(EventLoop& loop);

  explicit AnyTask(detail::TaskBase& task) noexcept : AnyFuture(Ref<detail::FutureBase>(task)) {}
};

/// A coroutine that runs on its own, in its loop: a Future of what it returns. It is copied like a pointer,
/// and runs on if nobody keeps it: its loop does, until it is done. Python: `asyncio.Task`.
template <class T>
class Task : public Future<T>, public detail::TaskMembers<Task<T>> {
 public:
  /// The same task.
  operator AnyTask() const noexcept { return AnyTask(this->task()); }

 private:
  template <class U>
  friend Task<U> detail::start(EventLoop& loop, Coro<U> coro, const TaskOptions& options);

  explicit Task(Ref<detail::TaskCell<T>> state) noexcept : Future<T>(std::move(state)) {}
};

namespace detail {

template <class A>
inline constexpr bool is_coro = false;
template <class T>
inline constexpr bool is_coro<Coro<T>> = true;

/// True if an A is a Future or a Task.
template <class A>
concept IsFuture = std::derived_from<A, AnyFuture>;

/// Awaits what can be awaited, and keeps it as long.
template <class A>
Coro<std::remove_cvref_t<await_result_t<A>>> as_coro(A awaitable) {
  co_return co_await std::move(awaitable);
}

/// Makes a task, which runs in the loop's next pass.
template <class T>
Task<T> start(EventLoop& loop, Coro<T> coro, const TaskOptions& options) {
  auto state = loop.nodes().make<TaskCell<T>>(loop.use_service<TaskRegistry>(), coro.release(), options);
  state->schedule();
  return Task<T>(std::move(state));
}

/// Makes a task, for loop.create_task().
template <class A>
auto loop_create_task(EventLoop& loop, A&& awaitable, const TaskOptions& options) {
  static_assert(can_be_awaited<A>());
  loop.check();
  if constexpr (is_coro<A>) {
    if (!awaitable.handle()) throw std::runtime_error("cannot reuse already awaited coroutine");
    return start(loop, std::move(awaitable), options);
  } else {
    return loop_create_task(loop, as_coro<std::decay_t<A>>(std::forward<A>(awaitable)), options);
  }
}

}  // namespace detail

/// Runs a Coro, or whatever can be awaited, as a task of the running loop, from the next pass on.
/// Python: `asyncio.create_task`.
/// @throws std::runtime_error if no loop is running on this thread
template <class A>
auto create_task(A&& awaitable, const TaskOptions& options = {}) {
  return get_running_loop().create_task(std::forward<A>(awaitable), options);
}

/// A Future or a Task as it is; anything else that can be awaited as a task of `loop`.
/// Python: `asyncio.ensure_future`.
/// @throws std::invalid_argument if it is a future of another loop
template <class A>
auto ensure_future(A&& awaitable, EventLoop& loop) {
  if constexpr (detail::IsFuture<std::remove_cvref_t<A>>) {
    if (&awaitable.get_loop() != &loop)
      throw std::invalid_argument(
          "The future belongs to a different loop than the one specified as the loop argument");
    return std::remove_cvref_t<A>(std::forward<A>(awaitable));
  } else {
    return loop.create_task(std::forward<A>(awaitable));
  }
}
/// Returns ensure_future() with the future's own loop, or the running one.
template <class A>
auto ensure_future(A&& awaitable) {
  if constexpr (detail::IsFuture<std::remove_cvref_t<A>>)
    return std::remove_cvref_t<A>(std::forward<A>(awaitable));
  else
    return create_task(std::forward<A>(awaitable));
}

/// The task that runs on this thread; none in a plain callback. Python: `asyncio.current_task`.
/// @throws std::runtime_error if no loop is running on this thread
inline std::optional<AnyTask> current_task() {
  todo("6.1", "current_task");
}

/// The tasks of `loop` that are not done, in the order in which they were made. Python: `asyncio.all_tasks`,
/// a set.
inline std::vector<AnyTask> all_tasks(EventLoop& loop) {
  todo("6.1", "all_tasks");
}
/// Returns the tasks of the running loop.
/// @throws std::runtime_error if no loop is running on this thread
inline std::vector<AnyTask> all_tasks() { return all_tasks(get_running_loop()); }

}  // namespace asyncio
