#pragma once

#include <chrono>
#include <coroutine>
#include <utility>

#include "loop_future.hpp"

namespace asyncio {

namespace detail {

class Nap {
 public:
  explicit Nap(Duration delay) noexcept : delay_(delay) {}
  Nap(Nap&& other) noexcept : delay_(other.delay_) {}
  Nap& operator=(Nap&&) = delete;
  ~Nap() {
    if (over_) timer_.cancel();
  }

  static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> where) {
    task_ = &TaskState::running();
    if (delay_ <= Duration(0)) return task_->yield(where);
    EventLoop& loop = get_running_loop();
    auto state = std::make_shared<StateOf<void>>(loop.use_service<Home>());
    timer_ = loop.call_later(delay_, [state] {
      if (state->done()) return;
      state->outcome.set_value();
      state->finish(End::finished);
    });
    over_ = state;
    task_->wait(*state, where);
  }
  void await_resume() {
    if (over_) timer_.cancel();
    task_->read_note();
    if (over_) std::exchange(over_, nullptr)->check("");
  }

 private:
  Duration delay_;
  TaskState* task_ = nullptr;
  TimerHandle timer_;
  std::shared_ptr<FutureState> over_;
};

}  // namespace detail

template <class Delay>
[[nodiscard]] auto sleep(Delay delay) {
  return detail::Nap(concurrent::AnyDuration(delay));
}

template <class Delay, class T>
[[nodiscard]] Coro<T> sleep(Delay delay, T result) {
  co_await sleep(delay);
  co_return result;
}

}  // namespace asyncio
