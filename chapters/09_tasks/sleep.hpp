#pragma once

#include <chrono>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "event_loop.hpp"
#include "loop_future.hpp"
#include "task_cell.hpp"
#include "todo.hpp"

namespace asyncio {

namespace detail {

template <class A>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

/// The awaitable of sleep(): a task waits for a timer, or just for the next pass. While it is
/// awaited, it stays where it is.
class Sleep {
 public:
  explicit Sleep(Duration delay) noexcept : delay_(delay) {}
  Sleep(Sleep&& other) noexcept : delay_(other.delay_) {}

  static bool await_ready() noexcept { return false; }

  /// Lets the task wait that runs, at `waiting`. @throws std::runtime_error if none does
  void await_suspend(std::coroutine_handle<> waiting) {
    todo("4.1", "Sleep::await_suspend");
  }

  /// The sleep is over. @throws CancelledError if that is because its future was cancelled, as
  /// `task.cancel()` does
  void await_resume() {
    todo("4.1", "Sleep::await_resume");
  }

 private:
  const Duration delay_;

  // For 4.1: members of Sleep.
};

}  // namespace detail

/// The task that awaits it goes on when `delay` is over, on the clock of its loop. With a delay of 0 or less,
/// that is in the next pass: other tasks have their turn. One that has a name may be awaited again, by one
/// task at a time. Python: `asyncio.sleep`, in seconds.
/// @throws std::invalid_argument if the delay is not a number
template <class Delay>
[[nodiscard]] auto sleep(Delay delay) {
  static_assert(detail::is_duration<Delay>, "a delay has a unit: sleep(1s), not sleep(1)");
  return detail::Sleep(concurrent::AnyDuration(delay));
}

/// Sleeps, and gives `result`.
template <class Delay, class T>
[[nodiscard]] Coro<T> sleep(Delay delay, T result) {
  static_assert(detail::is_duration<Delay>, "a delay has a unit: sleep(1s, result), not sleep(1, result)");
  co_await sleep(delay);
  co_return result;
}

}  // namespace asyncio
