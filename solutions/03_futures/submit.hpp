#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "executor_base.hpp"
#include "promise.hpp"
#include "todo.hpp"

namespace concurrent {

/// The result of calling a copy of `fn` with copies of `args`.
template <class F, class... Args>
using CallResult = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;

namespace detail {

/// A submitted call: the function with its arguments, and the state of its future, in one piece of memory.
template <class T, class Call>
class PackagedCall : public State<T> {
 public:
  explicit PackagedCall(Call call) : call_(std::in_place, std::move(call)) {}

  /// Runs the call, unless it was cancelled meanwhile, and finishes the future with its outcome.
  void run() {
    // <exercise 9.1 PackagedCall::run>
    if (!this->start()) return call_.reset();
    try {
      this->store([&]() -> T { return std::invoke(*std::move(call_)); });
    } catch (...) {
      this->store_error(std::current_exception());
    }
    call_.reset();
    this->finish();
    // </exercise>
  }

  /// Gives the call up, because it will never run.
  void drop() {
    call_.reset();
    this->abandon();
  }

 private:
  std::optional<Call> call_;
};

/// The job that runs a packaged call, or drops it if it is destroyed unrun, so that nobody waits for the
/// result.
template <class T, class Call>
class CallJob {
 public:
  explicit CallJob(std::shared_ptr<PackagedCall<T, Call>> packaged) noexcept : call_(std::move(packaged)) {}
  CallJob(CallJob&&) noexcept = default;
  ~CallJob() {
    if (call_) call_->drop();
  }

  void operator()() { std::exchange(call_, nullptr)->run(); }

 private:
  std::shared_ptr<PackagedCall<T, Call>> call_;
};

/// Binds a copy of `fn` and copies of `args` into a function that is to be called once. They are taken by
/// value, so that calls with the same types give one type, whether their arguments are copied or moved.
template <class F, class... Args>
auto bind_call(F fn, Args... args) {
  return [fn = std::move(fn), ... args = std::move(args)]() mutable -> CallResult<F, Args...> {
    return std::invoke(std::move(fn), std::move(args)...);
  };
}

}  // namespace detail

/// Does the work of Executor::submit(): runs `fn(args...)` on `executor` and gives the future of its result.
template <class F, class... Args>
Future<CallResult<F, Args...>> submit_to(Executor& executor, F&& fn, Args&&... args) {
  // <exercise 5.1 submit_to>
  using T = CallResult<F, Args...>;
  using Call = decltype(detail::bind_call(std::forward<F>(fn), std::forward<Args>(args)...));
  // Bound in here, for no copy of the call may be left when post() runs it.
  auto packaged = std::make_shared<detail::PackagedCall<T, Call>>(
      detail::bind_call(std::forward<F>(fn), std::forward<Args>(args)...));
  Future<T> future(packaged);
  executor.post(detail::CallJob(std::move(packaged)));
  return future;
  // </exercise>
}

}  // namespace concurrent
