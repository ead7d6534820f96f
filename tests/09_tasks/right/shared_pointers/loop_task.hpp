#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "awaitable.hpp"
#include "coro.hpp"
#include "loop_future.hpp"
#include "task_options.hpp"

namespace asyncio {

namespace detail {

template <class T>
class TaskOf final : public StateOf<T, TaskState> {
 public:
  using StateOf<T, TaskState>::StateOf;

  /// Runs the coroutine, and keeps what it ends with.
  static Coro<> drive(TaskOf& task, Coro<T> coro) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(coro);
        task.outcome.set_value();
      } else {
        T&& value = co_await std::move(coro);
        if (task.has_note())
          task.let_out_a_cancellation = true;
        else
          task.outcome.set_value(std::forward<T>(value));
      }
    } catch (const CancelledError&) {
      task.let_out_a_cancellation = true;
    } catch (...) {
      task.outcome.set_exception(std::current_exception());
    }
  }

 private:
  void fail(std::exception_ptr error) override { this->outcome.set_exception(std::move(error)); }
};

template <class T>
inline constexpr bool is_a_coro = false;
template <class T>
inline constexpr bool is_a_coro<Coro<T>> = true;

template <class A>
Coro<std::remove_cvref_t<await_result_t<A>>> awaiting(A awaitable) {
  co_return co_await std::move(awaitable);
}

/// What handles of tasks have beyond those of futures.
template <class Handle>
class OfTasks {
 public:
  std::size_t uncancel() noexcept { return task().uncancel(); }
  [[nodiscard]] std::size_t cancelling() const noexcept { return task().requests; }
  [[nodiscard]] std::string get_name() const { return task().name; }
  void set_name(std::string_view name) { task().name = name; }

 private:
  [[nodiscard]] TaskState& task() const { return *static_cast<const Handle&>(*this).task_state(); }
};

}  // namespace detail

class AnyTask : public AnyFuture, public detail::OfTasks<AnyTask> {
 public:
  explicit AnyTask(std::shared_ptr<detail::FutureState> state) noexcept : AnyFuture(std::move(state)) {}
  [[nodiscard]] detail::TaskState* task_state() const noexcept { return state_->task(); }
};

template <class T>
class Task : public Future<T>, public detail::OfTasks<Task<T>> {
 public:
  explicit Task(std::shared_ptr<detail::TaskOf<T>> state) noexcept : Future<T>(std::move(state)) {}
  operator AnyTask() const noexcept { return AnyTask(this->state_); }
  [[nodiscard]] detail::TaskState* task_state() const noexcept { return this->state_->task(); }
};

namespace detail {

template <class T>
Task<T> begin(EventLoop& loop, Coro<T> coro, const TaskOptions& options) {
  auto state = std::make_shared<TaskOf<T>>(loop.use_service<Home>());
  state->begin(TaskOf<T>::drive(*state, std::move(coro)), std::string(options.name));
  return Task<T>(std::move(state));
}

template <class A>
auto loop_create_task(EventLoop& loop, A&& awaitable, const TaskOptions& options) {
  static_assert(can_be_awaited<A>());
  if (loop.is_closed()) throw std::runtime_error("Event loop is closed");
  if constexpr (is_a_coro<A>) {
    if (!awaitable.handle()) throw std::runtime_error("cannot reuse already awaited coroutine");
    return begin(loop, std::move(awaitable), options);
  } else {
    return begin(loop, awaiting<std::decay_t<A>>(std::forward<A>(awaitable)), options);
  }
}

}  // namespace detail

template <class A>
auto create_task(A&& awaitable, const TaskOptions& options = {}) {
  return get_running_loop().create_task(std::forward<A>(awaitable), options);
}

template <class A>
auto ensure_future(A&& awaitable, EventLoop& loop) {
  if constexpr (std::derived_from<std::remove_cvref_t<A>, AnyFuture>) {
    if (&awaitable.get_loop() != &loop) throw std::invalid_argument("a future of another loop");
    return std::remove_cvref_t<A>(std::forward<A>(awaitable));
  } else {
    return loop.create_task(std::forward<A>(awaitable));
  }
}
template <class A>
auto ensure_future(A&& awaitable) {
  if constexpr (std::derived_from<std::remove_cvref_t<A>, AnyFuture>)
    return std::remove_cvref_t<A>(std::forward<A>(awaitable));
  else
    return create_task(std::forward<A>(awaitable));
}

inline std::optional<AnyTask> current_task() {
  get_running_loop();
  if (!detail::TaskState::current) return std::nullopt;
  return AnyTask(detail::TaskState::current->self());
}

inline std::vector<AnyTask> all_tasks(EventLoop& loop) {
  std::vector<AnyTask> all;
  for (const auto& task : loop.use_service<detail::Home>().tasks) all.push_back(AnyTask(task));
  return all;
}
inline std::vector<AnyTask> all_tasks() { return all_tasks(get_running_loop()); }

}  // namespace asyncio
