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
    // <exercise 4.1 Sleep::await_suspend>
    task_ = &TaskBase::running();
    if (delay_ <= Duration::zero())
      task_->yield(waiting);
    else
      start_timer(waiting);
    // </exercise>
  }

  /// The sleep is over. @throws CancelledError if that is because its future was cancelled, as
  /// `task.cancel()` does
  void await_resume() {
    // <exercise 4.1 Sleep::await_resume>
    std::optional<Future<>> over;
    if (timer_) over = timer_->over();
    timer_.reset();  // at once, for a sleep that has a name lives on
    task_->throw_if_cancelled();
    if (over) over->result();
    // </exercise>
  }

 private:
  const Duration delay_;

  // <exercise 4.1 members Sleep>
  /// A future that a timer sets, and the timer.
  class TimerFuture {
   public:
    /// Starts a timer, which ends over() after the delay.
    TimerFuture(EventLoop& loop, Duration delay) : over_(loop.create_future()) {
      timer_ = loop.call_later(delay, [over = over_]() mutable {
        if (!over.done()) over.set_result();
      });
    }
    TimerFuture(const TimerFuture&) = delete;
    TimerFuture& operator=(const TimerFuture&) = delete;
    /// Leaves no timer behind.
    ~TimerFuture() { timer_.cancel(); }

    [[nodiscard]] Future<>& over() noexcept { return over_; }

   private:
    Future<> over_;
    TimerHandle timer_;
  };

  /// Lets the task wait for a timer. Not inlined, for that would make a switch of tasks, which needs
  /// none, a fifth slower.
  [[gnu::noinline]] void start_timer(std::coroutine_handle<> waiting) {
    timer_.emplace(get_running_loop(), delay_);
    task_->wait_for(timer_->over().state(), waiting);
  }

  TaskBase* task_ = nullptr;
  std::optional<TimerFuture> timer_;
  // </exercise>
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
