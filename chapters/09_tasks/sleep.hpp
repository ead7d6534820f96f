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

/// A future that a timer sets.
class TimerFuture {
 public:
  TimerFuture(EventLoop& loop, Duration delay) : over_(loop.create_future()) {
    // TODO 4.2: Let the loop call_later(), after the delay, what sets the
    // result of over_ if that is not done() by then. It has a copy of over_, not a reference. Keep the
    // timer_.
    todo("4.2", "TimerFuture::TimerFuture");
  }
  TimerFuture(const TimerFuture&) = delete;
  TimerFuture& operator=(const TimerFuture&) = delete;
  ~TimerFuture() {
    // TODO 4.3: Cancel the timer_.
    todo("4.3", "TimerFuture::~TimerFuture");
  }

  [[nodiscard]] Future<>& over() noexcept { return over_; }

 private:
  Future<> over_;
  TimerHandle timer_;
};

template <class A>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

/// The awaitable of sleep(): a task waits for a timer, or just for the next pass.
class Sleep {
 public:
  explicit Sleep(Duration delay) noexcept : delay_(delay) {}
  Sleep(Sleep&& other) noexcept : delay_(other.delay_) {}

  static bool await_ready() noexcept { return false; }

  void await_suspend(std::coroutine_handle<> waiting) {
    // TODO 4.4: The running() task is task_. Without a delay_, or with a negative
    // one, it is to yield(). Otherwise start_timer().
    todo("4.4", "Sleep::await_suspend");
  }

  void await_resume() {
    // TODO 4.5: The task_ is to throw_if_cancelled(). If there is a timer_, take the
    // result() of what it was over(): nothing, or an exception.
    todo("4.5", "Sleep::await_resume");
  }

 private:
  /// Not inlined, for that would make a switch of tasks, which needs none, a fifth slower.
  [[gnu::noinline]] void start_timer(std::coroutine_handle<> waiting) {
    // TODO 4.6: Emplace the timer_, on the running loop. The task_ is to wait for the
    // state() of the future that tells when it is over().
    todo("4.6", "Sleep::start_timer");
  }

  Duration delay_;
  TaskBase* task_ = nullptr;
  std::optional<TimerFuture> timer_;
};

}  // namespace detail

/// The task that awaits it goes on when `delay` is over, on the clock of its loop. With a delay of 0 or less,
/// that is in the next pass: other tasks have their turn. Python: `asyncio.sleep`, in seconds.
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
