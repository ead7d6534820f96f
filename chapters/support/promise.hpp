#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "errors.hpp"
#include "shared_state.hpp"

namespace concurrent {

namespace detail {

/// The shared state with the value: for a reference its address, for void nothing.
template <class T>
class State : public SharedState {
  static_assert(!std::is_rvalue_reference_v<T>, "a future cannot keep an rvalue reference: return a value");

 public:
  using Value =
      std::conditional_t<std::is_void_v<T>, std::monostate,
                         std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

  /// Calls `make()` and keeps what it returns. Only for the one that may write: in complete(), or the job of
  /// a submitted call, after start().
  template <class F>
  void store(F&& make) {
    if constexpr (std::is_void_v<T>) {
      std::forward<F>(make)();
      value_.emplace();
    } else if constexpr (std::is_reference_v<T>) {
      value_.emplace(std::addressof(std::forward<F>(make)()));
    } else {
      value_.emplace(std::forward<F>(make)());
    }
  }

  void store_error(std::exception_ptr error) noexcept { error_ = std::move(error); }

  /// Returns the value. The future must be done. @throws CancelledError, or the exception that the future
  /// finished with
  Value& value() {
    if (const std::exception_ptr& failure = error()) std::rethrow_exception(failure);
    return *value_;
  }

 private:
  std::optional<Value> value_;
};

/// A type whose results can be given away by value and kept at the same time.
template <class T>
concept Copyable = std::is_object_v<T> && std::copy_constructible<T>;

/// A value that becomes a T. A reference refers to the value itself, never to a temporary made from it.
template <class Value, class T>
concept Becomes = std::convertible_to<Value, T> &&
    (!std::is_reference_v<T> ||
     (std::is_lvalue_reference_v<Value> &&
      std::convertible_to<std::remove_reference_t<Value>*, std::remove_reference_t<T>*>));

/// The arguments of set_result(): one value that becomes a T, or none for void.
template <class T, class... Value>
concept ResultFor = sizeof...(Value) == (std::is_void_v<T> ? 0 : 1) && (Becomes<Value, T> && ...);

/// The type that result() returns: a reference to the value that the future keeps.
template <class T>
using ResultOf = std::conditional_t<std::is_object_v<T>, std::add_lvalue_reference_t<const T>, T>;

}  // namespace detail

/// A result that is not there yet. A handle: its copies stand for the same result, which any number of
/// threads may wait for and read, any number of times. All members may be called from any thread. T may be
/// void or a reference. A future that was moved from may only be destroyed or assigned to. Python:
/// `concurrent.futures.Future`.
template <class T>
class Future {
 public:
  using value_type = T;

  /// Keeps the work from starting. Wakes the threads that wait in result(), and calls the done-callbacks.
  /// @returns true if the future is cancelled now; false means that its work runs or has finished
  bool cancel() { return state_->cancel(); }

  /// Returns the state; another thread may have changed it before you look.
  [[nodiscard]] FutureState state() const noexcept { return state_->state(); }
  /// True if it was cancelled: its work never began.
  [[nodiscard]] bool cancelled() const noexcept { return state() == FutureState::cancelled; }
  /// True if its work has begun and has no outcome yet; cancel() comes too late.
  [[nodiscard]] bool running() const noexcept { return state() == FutureState::running; }
  /// True if it is cancelled or finished.
  [[nodiscard]] bool done() const noexcept { return state_->done(); }

  /// Waits until the future is done, and gives the result: a reference to the value that the future keeps,
  /// for as long as one of its handles lives. A handle that is an rvalue gives a copy of the value, if it can
  /// be copied.
  /// @throws CancelledError if the future was cancelled
  /// @throws the exception that the work ended with, the same one each time
  detail::ResultOf<T> result() const& { return wait_for_result(std::nullopt); }
  T result() && requires detail::Copyable<T> { return wait_for_result(std::nullopt); }

  /// Does the same, but waits no longer than `timeout`; 0 or less asks without waiting.
  /// @throws TimeoutError if the future is not done by then; it stays as it is
  detail::ResultOf<T> result(AnyDuration timeout) const& { return wait_for_result(deadline_after(timeout)); }
  T result(AnyDuration timeout) && requires detail::Copyable<T> {
    return wait_for_result(deadline_after(timeout));
  }

  /// Waits until the future is done, and gives the exception that the work ended with; null if it ended well.
  /// @throws CancelledError if the future was cancelled
  [[nodiscard]] std::exception_ptr exception() const {
    state_->wait(std::nullopt);
    return state_->error();
  }

  /// Does the same, but waits no longer than `timeout`.
  /// @throws TimeoutError if the future is not done by then
  [[nodiscard]] std::exception_ptr exception(AnyDuration timeout) const {
    state_->wait(deadline_after(timeout));
    return state_->error();
  }

  /// Calls `callback(future)` once when the future is done, on the thread that finishes or cancels it, in the
  /// order in which callbacks were added and under no lock; at once, on this thread, if it is done already.
  /// Threads that wait in result() are released before. An exception of a callback goes to
  /// callback_exception_handler().
  template <std::invocable<Future<T>> F>
  void add_done_callback(F callback) {
    state_->add_callback(
        [callback = std::move(callback)](const std::shared_ptr<detail::SharedState>& state) mutable {
          std::invoke(callback, Future(std::static_pointer_cast<detail::State<T>>(state)));
        });
  }

  /// True if both stand for the same result.
  friend bool operator==(const Future& a, const Future& b) noexcept { return a.state_ == b.state_; }

  /// Internal: for the headers that are built on futures.
  explicit Future(std::shared_ptr<detail::State<T>> state) noexcept : state_(std::move(state)) {}
  const std::shared_ptr<detail::State<T>>& shared_state() const noexcept { return state_; }

 private:
  detail::ResultOf<T> wait_for_result(Deadline deadline) const {
    state_->wait(deadline);
    if constexpr (std::is_void_v<T>)
      state_->value();
    else if constexpr (std::is_reference_v<T>)
      return static_cast<T>(*state_->value());
    else
      return state_->value();
  }

  std::shared_ptr<detail::State<T>> state_;
};

/// The writing end of a future: the result is set here. It can be moved and not copied. Members may be called
/// from any thread, but nobody else may use a promise while it is moved or destroyed. In Python these are
/// methods of the Future, "for executors and tests only".
template <class T>
class Promise {
 public:
  Promise() = default;
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    Promise(std::move(other)).state_.swap(state_);
    return *this;
  }

  /// Makes sure that nobody waits for a result that will not come: the future is cancelled or, if the work
  /// had begun, finishes with BrokenPromise.
  ~Promise() {
    if (state_ && !state_->done()) state_->abandon();
  }

  /// Returns a handle to the result. Any number may be taken.
  [[nodiscard]] Future<T> future() const { return Future<T>(state_); }

  /// Marks the work as begun, so that it cannot be cancelled any more. Call it before you begin.
  /// @returns false if the future was cancelled: do not begin
  /// @throws InvalidStateError if the work has begun already
  bool set_running_or_notify_cancel() { return state_->start(); }

  /// Finishes the future with `value`; for void, without one.
  /// @throws InvalidStateError if the future is done already; its outcome stays
  template <class... Value>
  requires detail::ResultFor<T, Value&&...>
  void set_result(Value&&... value) {
    // Value... is one type, or none if T is void: the fold over the comma is that value, or nothing.
    const auto store = [&] {
      state_->store([&]() -> T { return static_cast<T>((std::forward<Value>(value), ...)); });
    };
    if (!state_->complete(store)) throw InvalidStateError("the future is done already");
  }

  /// Finishes the future with `error`.
  /// @throws InvalidStateError if the future is done already; its outcome stays
  /// @throws std::invalid_argument if `error` is null
  void set_exception(std::exception_ptr error) {
    if (!error) throw std::invalid_argument("Promise::set_exception: the exception must not be null");
    if (!state_->try_fail(std::move(error))) throw InvalidStateError("the future is done already");
  }

 private:
  std::shared_ptr<detail::State<T>> state_ = std::make_shared<detail::State<T>>();
};

}  // namespace concurrent

template <class T>
struct std::hash<concurrent::Future<T>> {
  std::size_t operator()(const concurrent::Future<T>& future) const noexcept {
    return std::hash<const void*>()(future.shared_state().get());
  }
};
