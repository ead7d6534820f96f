#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "executor_base.hpp"
#include "promise.hpp"

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

/// The state of a submitted call, with the call in it. Only its job runs, drops and completes it.
template <class T, class Call>
class PackagedCall : public State<T> {
 public:
  explicit PackagedCall(Call&& call) : call_(std::move(call)) {}

  void run() {
    if (!this->start()) return call_.reset();
    this->complete([&] {
      struct Gone {  // before the future is done, whether the call returns or throws
        std::optional<Call>& call;
        ~Gone() { call.reset(); }
      } gone{call_};
      this->store([&]() -> T { return std::invoke(std::move(*call_)); });
    });
  }

  void drop() {
    call_.reset();
    this->abandon();
  }

 private:
  std::optional<Call> call_;
};

/// A job of one pointer. Whoever destroys it with the pointer still in it has not run it.
template <class Package>
class PackagedJob {
 public:
  explicit PackagedJob(std::shared_ptr<Package> package) noexcept : package_(std::move(package)) {}
  PackagedJob(PackagedJob&&) noexcept = default;
  PackagedJob& operator=(PackagedJob&&) = delete;
  ~PackagedJob() {
    if (package_) package_->drop();
  }

  void operator()() { std::exchange(package_, nullptr)->run(); }

 private:
  std::shared_ptr<Package> package_;
};

}  // namespace detail

/// Does the work of Executor::submit(): runs `fn(args...)` on `executor` and gives the future of its result
/// at once. The call is destroyed when it has run, before its future is done; or when the executor drops it,
/// also before its future is done. @throws what executor.post() throws; the call is destroyed then
template <class F, class... Args>
Future<CallResult<F, Args...>> submit_to(Executor& executor, F&& fn, Args&&... args) {
  using T = CallResult<F, Args...>;
  using Call = decltype(detail::bind_call(std::forward<F>(fn), std::forward<Args>(args)...));
  using Package = detail::PackagedCall<T, Call>;
  auto package =
      std::make_shared<Package>(detail::bind_call(std::forward<F>(fn), std::forward<Args>(args)...));
  Future<T> future(package);
  executor.post(detail::PackagedJob<Package>(std::move(package)));
  return future;
}

}  // namespace concurrent
