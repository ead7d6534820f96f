#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "cancelled_error.hpp"
#include "event_loop.hpp"
#include "future_cell.hpp"
#include "handle.hpp"
#include "task_cell.hpp"
#include "todo.hpp"

namespace asyncio {

namespace detail {

/// True if a T can be copied. A container says so of itself, whatever is in it; so its items are asked.
template <class T>
inline constexpr bool is_copyable = std::copy_constructible<T>;
template <class T>
requires std::ranges::range<T> && requires { typename T::value_type; }
inline constexpr bool is_copyable<T> = std::copy_constructible<T> && is_copyable<typename T::value_type>;
template <class... T>
inline constexpr bool is_copyable<std::tuple<T...>> = (is_copyable<T> && ...);

class AnyFutureAwaiter;

}  // namespace detail

/// A Future, of whatever type: it can be awaited, gathered and waited for, and gives no value.
class AnyFuture {
 public:
  using value_type = void;

  /// True if it has a result or an exception, or is cancelled.
  [[nodiscard]] bool done() const noexcept { return state_->done(); }
  [[nodiscard]] bool cancelled() const noexcept { return state_->state() == detail::State::cancelled; }

  /// Cancels it: who awaits it gets a CancelledError. Of a Task this is a request, which arrives at the
  /// `co_await` where its coroutine waits, and may be refused there. Python: `future.cancel`, `task.cancel`.
  /// @returns false if it is done already
  bool cancel() { return state_->request_cancel(); }

  /// Returns the exception that it has finished with; null if it has a result.
  /// @throws CancelledError if it is cancelled, InvalidStateError if it is pending
  [[nodiscard]] std::exception_ptr exception() const {
    if (cancelled()) throw CancelledError();
    if (!done()) throw InvalidStateError("the exception is not set");
    state_->retrieved();
    return state_->error();
  }

  /// Returns if it has a result.
  /// @throws what it has finished with; CancelledError if it is cancelled, InvalidStateError if it is pending
  void result() const {
    if (const std::exception_ptr error = exception()) std::rethrow_exception(error);
  }

  detail::AnyFutureAwaiter operator co_await() const noexcept;

  /// Takes back what add_done_callback() returned. Python: `future.remove_done_callback`, which takes the
  /// function.
  /// @returns how many callbacks that were: none if the future was done already
  std::size_t remove_done_callback(const Handle& callback) noexcept {
    Operation* const node = callback.node();
    return node && state_->remove_waiter(*node) ? 1 : 0;
  }

  /// Its loop. Python: `future.get_loop`.
  /// @throws std::runtime_error if that is gone
  [[nodiscard]] EventLoop& get_loop() const {
    if (EventLoop* loop = state_->tasks().loop()) return *loop;
    throw std::runtime_error("the future's event loop is gone");
  }

  /// True if both are handles of the same future.
  friend bool operator==(const AnyFuture& one, const AnyFuture& other) noexcept {
    return one.state_ == other.state_;
  }

  /// For what is built on it.
  [[nodiscard]] detail::FutureBase& state() const noexcept { return *state_; }

  /// For what is built on it.
  explicit AnyFuture(Ref<detail::FutureBase> state) noexcept : state_(std::move(state)) {}

  /// Adds a callback, as Future::add_done_callback() does, that takes an AnyFuture. For what is built on it.
  template <class F>
  Handle add_any_callback(F fn) {
    return add_callback<AnyFuture>(std::move(fn));
  }

 protected:
  template <class Handed, class F>
  Handle add_callback(F fn);

  void check_no_task(const char* message) const {
    if (state_->task()) throw std::runtime_error(message);
  }

  Ref<detail::FutureBase> state_;
};

namespace detail {

/// The part of a DoneCallback that is the same for every function.
class DoneCallbackBase : public Operation {
 protected:
  explicit DoneCallbackBase(FutureBase& future) noexcept : Operation(RefCount::local), future_(future) {}
  ~DoneCallbackBase() = default;

 private:
  /// The future is done: told at once, inside set_result(). @returns what the loop is to run for it
  Ref<Operation> notify(Ref<Operation> self) noexcept final {
    todo("2.1", "DoneCallbackBase::notify");
  }

 protected:
  FutureBase& future_;

  // For 2.1: members of DoneCallbackBase.
};

/// A function that runs in the loop when a future is done. `Handed` is what it is called with: a Future<T>
/// or, if the type does not matter to it, an AnyFuture.
template <class Handed, class F>
class DoneCallback final : public DoneCallbackBase {
 public:
  DoneCallback(F fn, FutureBase& future) : DoneCallbackBase(future), fn_(std::move(fn)) {}

  /// Calls the function with the future.
  void run() override {
    todo("2.1", "DoneCallback::run");
  }

  /// It will never run.
  void drop() noexcept override {
    todo("2.1", "DoneCallback::drop");
  }
  [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(F); }

 private:
  std::optional<F> fn_;
};

}  // namespace detail

template <class Handed, class F>
Handle AnyFuture::add_callback(F fn) {
  using Node = detail::DoneCallback<Handed, F>;
  EventLoop* const loop = state_->tasks().loop();
  Ref<Operation> node = loop ? loop->nodes().template make<Node>(std::move(fn), *state_)
                             : NodePool::make_apart<Node>(std::move(fn), *state_);
  Handle handle(node);
  state_->add_callback(std::move(node));
  return handle;
}

namespace detail {

/// Waits in a task until a future is done, whatever it ends with.
class DoneAwaiter {
 public:
  explicit DoneAwaiter(AnyFuture future) noexcept : future_(std::move(future)) {}

  [[nodiscard]] bool await_ready() const noexcept { return future_.done(); }

  void await_suspend(std::coroutine_handle<> waiting) {
    TaskBase& task = TaskBase::running();
    task.wait_for(future_.state(), waiting);
    task_ = &task;
  }

  void await_resume() const {
    if (task_) task_->throw_if_cancelled();
  }

 protected:
  AnyFuture future_;

 private:
  TaskBase* task_ = nullptr;
};

/// Waits as DoneAwaiter, and throws what the future has finished with.
class AnyFutureAwaiter : public DoneAwaiter {
 public:
  using DoneAwaiter::DoneAwaiter;

  void await_resume() const {
    future_.state().retrieved();
    DoneAwaiter::await_resume();
    future_.result();
  }
};

/// Waits as DoneAwaiter, and gives the future's result. `Result` is the type of the `co_await`.
template <class T, class Result>
class FutureAwaiter : public DoneAwaiter {
 public:
  explicit FutureAwaiter(Future<T> future) noexcept : DoneAwaiter(std::move(future)) {}

  Result await_resume() {
    future_.state().retrieved();
    DoneAwaiter::await_resume();
    if constexpr (std::is_same_v<Result, T>)
      return Future<T>(std::move(future_)).result();
    else
      return future_.state().template outcome<T>().get();
  }
};

}  // namespace detail

inline detail::AnyFutureAwaiter AnyFuture::operator co_await() const noexcept {
  return detail::AnyFutureAwaiter(*this);
}

/// A result that is not there yet, on one loop: what a callback sets, and a coroutine awaits. It is copied
/// like a pointer. What waits for it runs in the loop, never inside set_result(). For the loop's thread
/// alone; it may outlive the loop, but then nothing waits for it. Python: `asyncio.Future`.
///
/// `co_await future` gives a reference to the result, `co_await std::move(future)` the result itself: moved
/// if this is its last handle, or if it cannot be copied.
template <class T>
class [[nodiscard]] Future : public AnyFuture {
  using Reference = std::add_lvalue_reference_t<std::add_const_t<T>>;  // a T& stays one, and void too

 public:
  using value_type = T;

  /// For what is built on it.
  explicit Future(Ref<detail::FutureBase> state) noexcept : AnyFuture(std::move(state)) {}

  /// Returns the result, if it is done. It never waits. Python: `future.result`.
  /// @throws what it has finished with; CancelledError if it is cancelled, InvalidStateError if it is pending
  Reference result() const& { return outcome().get(); }
  T result() && {
    if constexpr (detail::is_copyable<T>) {
      if (!state_->has_one_ref()) return outcome().get();
    }
    return outcome().take();
  }

  /// Ends it with what a T is made from: for void, nothing. Python: `future.set_result`.
  /// @throws InvalidStateError if it was done already; std::runtime_error if it is a task
  template <class... Value>
  void set_result(Value&&... value) {
    static_assert(std::is_void_v<T> ? sizeof...(Value) == 0 : std::constructible_from<T, Value&&...>,
                  "this makes no T; for a Future<void>, which has no value, say set_result()");
    check_no_task("Task does not support set_result operation");
    state_->set_result<T>(std::forward<Value>(value)...);
  }

  /// Ends it with an exception. Python: `future.set_exception`.
  /// @throws InvalidStateError if it was done already; std::runtime_error if it is a task;
  /// std::invalid_argument if there is no exception
  void set_exception(std::exception_ptr error) {
    check_no_task("Task does not support set_exception operation");
    state_->set_exception(std::move(error));
  }
  template <class E>
  requires(!std::convertible_to<E, std::exception_ptr>) void set_exception(E error) {
    set_exception(std::make_exception_ptr(std::move(error)));
  }

  /// Calls `fn(future)` in the loop when it is done; if it is done already, in the next pass. Callbacks and
  /// the tasks that await it run in the order in which they came. What `fn` throws goes to the loop's
  /// exception handler. Python: `future.add_done_callback`.
  /// @returns what remove_done_callback() takes
  template <class F>
  Handle add_done_callback(F&& fn) {
    static_assert(std::invocable<std::decay_t<F>&, Future>, "a callback is called with the future");
    return this->template add_callback<Future>(std::decay_t<F>(std::forward<F>(fn)));
  }

  auto operator co_await() const& noexcept { return detail::FutureAwaiter<T, Reference>(*this); }
  auto operator co_await() && noexcept { return detail::FutureAwaiter<T, T>(std::move(*this)); }

 private:
  template <class, class>
  friend class detail::FutureAwaiter;

  /// Names the type of what is known to be a future of a T.
  explicit Future(AnyFuture&& future) noexcept : AnyFuture(std::move(future)) {}

  [[nodiscard]] Outcome<T>& outcome() const { return state_->outcome<T>(); }
};

/// Makes a Future, for loop.create_future().
template <class T>
Future<T> detail::loop_create_future(EventLoop& loop) {
  return Future<T>(loop.nodes().make<FutureCell<T>>(loop.use_service<TaskRegistry>()));
}

}  // namespace asyncio
