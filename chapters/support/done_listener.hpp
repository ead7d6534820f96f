#pragma once

#include <exception>
#include <utility>

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

}  // namespace asyncio::detail
