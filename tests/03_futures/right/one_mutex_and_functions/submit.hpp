#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "executor_base.hpp"
#include "promise.hpp"

namespace concurrent {

template <class F, class... Args>
using CallResult = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;

template <class F, class... Args>
Future<CallResult<F, Args...>> submit_to(Executor& executor, F&& fn, Args&&... args) {
  using T = CallResult<F, Args...>;
  auto bind = [](auto function, auto... values) {
    return [function = std::move(function), ... values = std::move(values)]() mutable -> T {
      return std::invoke(std::move(function), std::move(values)...);
    };
  };
  using Call =
      decltype(bind(std::decay_t<F>(std::forward<F>(fn)), std::decay_t<Args>(std::forward<Args>(args))...));

  struct Work {
    explicit Work(Call&& bound) : call(std::move(bound)) {}
    ~Work() { call.reset(); }
    Promise<T> promise;
    std::optional<Call> call;
  };
  auto work = std::make_shared<Work>(
      bind(std::decay_t<F>(std::forward<F>(fn)), std::decay_t<Args>(std::forward<Args>(args))...));
  const Future<T> future = work->promise.future();
  executor.post([work = std::move(work)]() mutable {
    const std::shared_ptr<Work> mine = std::move(work);
    if (!mine->promise.set_running_or_notify_cancel()) return;
    const auto state = mine->promise.future().shared_state();
    state->complete([&] {
      const std::unique_ptr<Call> once(new Call(std::move(*mine->call)));
      mine->call.reset();
      state->store([&]() -> T { return (*once)(); });
    });
  });
  return future;
}

}  // namespace concurrent
