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

/// Whether a T can be copied. A container says so of itself, whatever is in it; so its items are asked.
template <class T>
inline constexpr bool is_copyable = std::copy_constructible<T>;
template <class T>
requires std::ranges::range<T> && requires { typename T::value_type; }
inline constexpr bool is_copyable<T> = std::copy_constructible<T> && is_copyable<typename T::value_type>;
template <class... T>
inline constexpr bool is_copyable<std::tuple<T...>> = (is_copyable<T> && ...);

}  // namespace detail

/// A Future, of whatever type.
class AnyFuture {
 public:
  /// Whether it has a result or an exception, or is cancelled.
  [[nodiscard]] bool done() const noexcept { return state_->done(); }
  [[nodiscard]] bool cancelled() const noexcept { return state_->state() == detail::State::cancelled; }

  /// Cancels it: who awaits it gets a CancelledError. Of a Task this is a request, which arrives at the
  /// `co_await` where its coroutine waits, and may be refused there. Python: `future.cancel`, `task.cancel`.
  /// @returns false if it is done already
  bool cancel() { return state_->request_cancel(); }

  /// The exception that it has finished with; null if it has a result.
  /// @throws CancelledError if it is cancelled, InvalidStateError if it is pending
  [[nodiscard]] std::exception_ptr exception() const {
    // TODO 1.6: If it is cancelled, throw a CancelledError. If it is pending, throw
    // an InvalidStateError "the exception is not set". Otherwise it is retrieved(): return its error().
    todo("1.6", "AnyFuture::exception");
  }

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

  /// Whether they are of the same thing.
  friend bool operator==(const AnyFuture& one, const AnyFuture& other) noexcept {
    return one.state_ == other.state_;
  }

  /// For what is built on it.
  [[nodiscard]] detail::FutureBase& state() const noexcept { return *state_; }

 protected:
  explicit AnyFuture(Ref<detail::FutureBase> state) noexcept : state_(std::move(state)) {}

  Ref<detail::FutureBase> state_;
};

namespace detail {

/// What runs in the loop when a future is done. It has a reference to the future if that is done already.
/// Otherwise the future has one to it, and is there when it runs.
template <class T, class F>
class DoneCallback final : public Operation {
 public:
  DoneCallback(F fn, FutureCell<T>& future)
      : Operation(RefCount::local),
        fn_(std::move(fn)),
        future_(future),
        keep_alive_(future.done() ? Ref(future) : nullptr) {}

  void run() override;
  void drop() noexcept override {
    fn_.reset();
    keep_alive_ = nullptr;
  }
  [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(F); }

 private:
  std::optional<F> fn_;
  FutureCell<T>& future_;
  Ref<FutureCell<T>> keep_alive_;
};

/// Waits in a task until a future is done, whatever it ends with.
class DoneAwaiter {
 public:
  explicit DoneAwaiter(AnyFuture future) noexcept : future_(std::move(future)) {}

  [[nodiscard]] bool await_ready() const noexcept { return future_.done(); }

  void await_suspend(std::coroutine_handle<> waiting) {
    // TODO 3.5: The running() task waits for the future's state(), at
    // `waiting`. Then keep the task's address in task_. (In this order: if it cannot wait, it has not.)
    todo("3.5", "DoneAwaiter::await_suspend");
  }

  void await_resume() const {
    // TODO 3.6: If a task_ has waited, it is to throw_if_cancelled().
    todo("3.6", "DoneAwaiter::await_resume");
  }

 protected:
  AnyFuture future_;

 private:
  TaskBase* task_ = nullptr;
};

/// … and gives its result. `Result` is what the `co_await` gives.
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
      return static_cast<FutureCell<T>&>(future_.state()).outcome().get();
  }
};

}  // namespace detail

/// A result that is not there yet, on one loop: what a callback sets, and a coroutine awaits. It is copied
/// like a pointer. What waits for it runs in the loop, never inside set_result(). For the loop's thread
/// alone; it may outlive the loop, but then nothing waits for it. Python: `asyncio.Future`.
///
/// `co_await future` gives a reference to the result, `co_await std::move(future)` the result itself: moved
/// if this is its last handle, or if it cannot be copied.
template <class T>
class [[nodiscard]] Future : public AnyFuture {
  using State = detail::FutureCell<T>;
  using Reference = std::add_lvalue_reference_t<std::add_const_t<T>>;  // a T& stays one, and void too

 public:
  using value_type = T;

  /// For what is built on it.
  explicit Future(Ref<State> state) noexcept : AnyFuture(std::move(state)) {}

  /// What it has finished with, if it is done. It never waits. Python: `future.result`.
  /// @throws what it has finished with; CancelledError if it is cancelled, InvalidStateError if it is pending
  Reference result() const& { return typed().outcome().get(); }
  T result() && {
    if constexpr (detail::is_copyable<T>) {
      if (!state_->has_one_ref()) return typed().outcome().get();
    }
    return typed().outcome().take();
  }

  /// It is done, with what a T is made from: for void, nothing. Python: `future.set_result`.
  /// @throws InvalidStateError if it was done already; std::runtime_error if it is a task
  template <class... Value>
  void set_result(Value&&... value) {
    static_assert(std::is_void_v<T> ? sizeof...(Value) == 0 : std::constructible_from<T, Value&&...>,
                  "this makes no T; for a Future<void>, which has no value, say set_result()");
    check_no_task("Task does not support set_result operation");
    typed().set_result(std::forward<Value>(value)...);
  }

  /// It is done, with an exception. Python: `future.set_exception`.
  /// @throws InvalidStateError if it was done already; std::runtime_error if it is a task;
  /// std::invalid_argument if there is no exception
  void set_exception(std::exception_ptr error) {
    check_no_task("Task does not support set_exception operation");
    typed().set_exception(std::move(error));
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
    // TODO 2.4: Make a DoneCallback of fn and the typed() state: that is in
    // make_node(). Make a Handle of it, and add it as a callback.
    todo("2.4", "Future::add_done_callback");
  }

  auto operator co_await() const& noexcept { return detail::FutureAwaiter<T, Reference>(*this); }
  auto operator co_await() && noexcept { return detail::FutureAwaiter<T, T>(std::move(*this)); }

 protected:
  [[nodiscard]] State& typed() const noexcept { return static_cast<State&>(*state_); }

 private:
  template <class, class>
  friend class detail::FutureAwaiter;

  /// What is known to be a future of a T.
  explicit Future(AnyFuture&& future) noexcept : AnyFuture(std::move(future)) {}

  /// Makes a callback.
  template <class F>
  Ref<Operation> make_node(F&& fn) const {
    using Node = detail::DoneCallback<T, std::decay_t<F>>;
    EventLoop* const loop = state_->tasks().loop();
    return loop ? loop->nodes().template make<Node>(std::forward<F>(fn), typed())
                : NodePool::make_apart<Node>(std::forward<F>(fn), typed());
  }

  void check_no_task(const char* message) const {
    if (state_->task()) throw std::runtime_error(message);
  }
};

template <class T, class F>
void detail::DoneCallback<T, F>::run() {
  Future<T> future(keep_alive_ ? std::move(keep_alive_) : Ref(future_));
  F fn = std::move(*fn_);
  fn_.reset();
  std::invoke(fn, std::move(future));
}

/// Makes a Future, for loop.create_future().
template <class T>
Future<T> detail::loop_create_future(EventLoop& loop) {
  return Future<T>(loop.nodes().make<FutureCell<T>>(loop.use_service<TaskRegistry>()));
}

}  // namespace asyncio
