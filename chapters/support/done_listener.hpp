#pragma once

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "future.hpp"
#include "task.hpp"

namespace asyncio::detail {

/// Calls a function when a future is done, unless this is gone by then.
class DoneListener {
 public:
  /// @param fn takes an AnyFuture
  template <class F>
  DoneListener(AnyFuture future, F fn)
      : future_(std::move(future)), callback_(future_.add_any_callback(std::move(fn))) {}
  /// Keeps a future that is done, so that there is nothing to listen to.
  explicit DoneListener(AnyFuture done) noexcept : future_(std::move(done)) {}
  DoneListener(DoneListener&&) noexcept = default;
  DoneListener& operator=(DoneListener&&) = delete;
  ~DoneListener() {
    // The callback may be with the loop already.
    if (callback_ && future_.remove_done_callback(callback_) == 0) callback_.cancel();
  }

  [[nodiscard]] AnyFuture& future() noexcept { return future_; }
  [[nodiscard]] const AnyFuture& future() const noexcept { return future_; }

 private:
  AnyFuture future_;
  Handle callback_;
};

/// Returns `error`, or if it says that a future of the one library was cancelled, that error of the other: so
/// a task whose call on a thread throws concurrent::CancelledError is cancelled.
inline std::exception_ptr translated(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const concurrent::CancelledError&) {
    return std::make_exception_ptr(CancelledError());
  } catch (const CancelledError&) {
    return std::make_exception_ptr(concurrent::CancelledError());
  } catch (...) {
    return error;
  }
}

/// Returns what is known to be a future of a T.
template <class T>
Future<T> typed(const AnyFuture& future) {
  return Future<T>(Ref(future.state()));
}

/// Cancels a handle when it goes.
class CancelAtEnd {
 public:
  explicit CancelAtEnd(Handle handle) noexcept : handle_(std::move(handle)) {}
  CancelAtEnd(const CancelAtEnd&) = delete;
  CancelAtEnd& operator=(const CancelAtEnd&) = delete;
  ~CancelAtEnd() { handle_.cancel(); }

 private:
  Handle handle_;
};

/// Ends `future` with what `make()` returns or, as a copy may, throws.
template <class F, class Make>
void set_result_of(F& future, Make make) {
  try {
    future.set_result(make());
  } catch (...) {
    future.set_exception(std::current_exception());
  }
}

/// Returns the result of a future that has one: moved if nobody else can ask for it, or if it cannot be
/// copied.
template <class T>
T result_handed_on(Future<T>& source) {
  return std::move(source).result();
}
template <class T>
T result_handed_on(concurrent::Future<T>& source) {
  if constexpr (!std::is_void_v<T> && !std::is_reference_v<T> && !is_copyable<T>)
    return std::move(source.shared_state()->value());
  else
    return source.result();
}

/// Ends `target`, a future or a promise, as `source` has ended, which is done and was not cancelled: with its
/// exception, which `convert` may make another, or with its result.
template <class Source, class Target, class Convert = std::identity>
void hand_on(Source source, Target& target, Convert convert = {}) {
  using T = typename Source::value_type;
  if (const std::exception_ptr error = source.exception())
    target.set_exception(convert(error));
  else if constexpr (std::is_void_v<T>)
    target.set_result();
  else
    set_result_of(target, [&]() -> T { return result_handed_on(source); });
}

}  // namespace asyncio::detail
