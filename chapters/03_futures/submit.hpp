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
  todo("5.1", "call_job");
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
