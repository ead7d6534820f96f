#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "executor_base.hpp"
#include "job.hpp"
#include "promise.hpp"
#include "todo.hpp"

namespace concurrent {

/// The result of calling a copy of `fn` with copies of `args`.
template <class F, class... Args>
using CallResult = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;

namespace detail {

/// Binds a copy of `fn` and copies of `args` into a function that is to be called once. They are taken by
/// value, so that calls with the same types give one type, whether their arguments are copied or moved.
template <class F, class... Args>
auto bind_call(F fn, Args... args) {
  return [fn = std::move(fn), ... args = std::move(args)]() mutable -> CallResult<F, Args...> {
    return std::invoke(std::move(fn), std::move(args)...);
  };
}

/// Makes the job of a submitted call: it runs the call and fulfils the promise, unless the future was
/// cancelled meanwhile. The call is destroyed when it has run, before its future is done; or when the
/// executor drops the job, also before its future is done.
template <class T, class Call>
Job call_job(Promise<T> promise, Call call) {
  // <exercise 5.1 call_job>
  struct CallJob {
    Promise<T> promise;         // destroyed last: whoever hears that the job was dropped
    std::optional<Call> bound;  // may rely on that the call is gone

    void operator()() {
      if (!promise.set_running_or_notify_cancel()) return;
      const auto state = promise.future().shared_state();
      state->complete([&] {
        // Destroyed before the future is done, whether it returns or throws. Moving it out is not enough:
        // what can only be copied would stay in the job.
        auto once = std::exchange(bound, std::nullopt);
        state->store([&]() -> T { return std::invoke(*std::move(once)); });
      });
    }
  };
  return CallJob{std::move(promise), std::move(call)};
  // </exercise>
}

}  // namespace detail

/// Does the work of Executor::submit(): runs `fn(args...)` on `executor` and gives the future of its result
/// at once. @throws what executor.post() throws; the call is destroyed then
template <class F, class... Args>
Future<CallResult<F, Args...>> submit_to(Executor& executor, F&& fn, Args&&... args) {
  using T = CallResult<F, Args...>;
  Promise<T> promise;
  Future<T> future = promise.future();
  // By itself, so that no copy of the call is left when post() runs it.
  Job job = detail::call_job(std::move(promise),
                             detail::bind_call(std::forward<F>(fn), std::forward<Args>(args)...));
  executor.post(std::move(job));
  return future;
}

}  // namespace concurrent
