#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "awaitable.hpp"
#include "outcome.hpp"
#include "pooled_frame.hpp"
#include "todo.hpp"

namespace asyncio {

template <class T = void>
class Coro;

namespace detail {

/// An awaiter that stays where it is: g++ 12 copies it if await_transform() gives it as it is.
template <class A>
struct AwaiterRef {
  A awaiter;  // a reference

  bool await_ready() { return awaiter.await_ready(); }
  template <class Promise>
  decltype(auto) await_suspend(std::coroutine_handle<Promise> waiting) {
    return awaiter.await_suspend(waiting);
  }
  decltype(auto) await_resume() { return awaiter.await_resume(); }
};

/// The part of a Coro's promise that is the same for every type of result.
struct CoroPromise : PooledFrame {
  // <exercise 6.1 members CoroPromise>
  /// Resumed when this one has ended.
  std::coroutine_handle<> continuation = std::noop_coroutine();
  // </exercise>

  /// Awaited when the body has ended, and `ended` is suspended.
  struct FinalAwaiter {
    static bool await_ready() noexcept { return false; }
    template <std::derived_from<CoroPromise> Promise>
    static void await_suspend(std::coroutine_handle<Promise> ended) noexcept {
      // <exercise 6.1 FinalAwaiter::await_suspend>
      ended.promise().continuation.resume();
      // </exercise>
    }
    static void await_resume() noexcept {}
  };

  /// Nothing runs before somebody awaits it.
  static std::suspend_always initial_suspend() noexcept { return {}; }
  static FinalAwaiter final_suspend() noexcept { return {}; }

  /// Hands what is awaited to the compiler as it is, if it can be awaited. The return type is deduced, so
  /// that the compiler says this before anything else.
  template <class A>
  static decltype(auto) await_transform(A&& awaitable) noexcept {
    static_assert(Awaitable<A>,
                  "this cannot be awaited; a Coro that has a name, because it can be awaited once, is "
                  "awaited as co_await std::move(coro)");
    if constexpr (std::is_same_v<decltype(awaiter_of(std::forward<A>(awaitable))), A&&>)
      return AwaiterRef<A&&>{std::forward<A>(awaitable)};
    else
      return std::forward<A>(awaitable);
  }
};

/// Owns the frame of a Coro, whatever that returns.
class CoroFrame {
 public:
  CoroFrame(std::coroutine_handle<> handle, CoroPromise& promise) noexcept
      : handle_(handle), promise_(&promise) {}
  CoroFrame(CoroFrame&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), promise_(other.promise_) {}
  CoroFrame& operator=(CoroFrame&&) = delete;
  ~CoroFrame() { destroy(); }

  [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return handle_; }
  [[nodiscard]] CoroPromise& promise() const noexcept { return *promise_; }

  /// Destroys the frame, if it is still there, and with it the awaiter in which it owns the one that it
  /// awaits.
  void destroy() noexcept {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }

 private:
  std::coroutine_handle<> handle_;
  CoroPromise* promise_;
};

}  // namespace detail

/// A coroutine that gives a T, which may be a reference or void, or throws. It is lazy: its body runs when it
/// is awaited, `co_await f()`, as if it were called. It is moved, not copied, and awaited once; to await one
/// that has a name, say `co_await std::move(coro)`. From step 7 on, awaiting takes constant stack. For one
/// thread at a time. Destroying it destroys what its body has on its stack. Python: a coroutine.
template <class T>
class [[nodiscard]] Coro {
  class CoroAwaiter;

 public:
  struct promise_type : detail::CoroPromise, ReturnValueMixin<T> {
    Coro get_return_object() noexcept { return Coro(Frame::from_promise(*this)); }
  };

  Coro(Coro&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Coro& operator=(Coro other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Coro() {
    if (frame_) release().destroy();
  }

  /// Runs the body; the result is what it returns or throws.
  /// @throws std::runtime_error if it was awaited before
  CoroAwaiter operator co_await() && {
    // <exercise 6.1 Coro::operator co_await>
    if (!frame_) throw std::runtime_error("cannot reuse already awaited coroutine");
    return CoroAwaiter(std::exchange(frame_, nullptr));
    // </exercise>
  }

  /// Forbidden for an lvalue, for after the await there would be nothing left in it.
  void operator co_await() & = delete;

  /// For those who run it: its frame; null if it was awaited or moved from.
  [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return frame_; }

  /// Gives its frame to whoever runs it. Not of one that was awaited or moved from.
  detail::CoroFrame release() noexcept {
    const Frame frame = std::exchange(frame_, nullptr);
    return {frame, frame.promise()};
  }

  /// True if the body has ended. Not to be called, as outcome(), on one that was awaited or moved from.
  [[nodiscard]] bool done() const noexcept { return frame_.done(); }

  /// Returns what the body has returned or thrown.
  [[nodiscard]] Outcome<T>& outcome() const noexcept { return frame_.promise().outcome; }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  using Frame = std::coroutine_handle<promise_type>;

  /// A Coro that is awaited, in the frame of the one that awaits it.
  class CoroAwaiter : detail::CoroFrame {
   public:
    explicit CoroAwaiter(Frame frame) noexcept : CoroFrame(frame, frame.promise()) {}
    CoroAwaiter(const CoroAwaiter&) = delete;
    CoroAwaiter& operator=(const CoroAwaiter&) = delete;

    static bool await_ready() noexcept { return false; }

    /// `waiting` has come to its `co_await`, and has been suspended.
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
      // <exercise 6.1 CoroAwaiter::await_suspend>
      promise().continuation = waiting;
      handle().resume();
      // </exercise>
    }

    /// Returns what the awaited one has returned, or throws what it has thrown.
    T await_resume() {
      // <exercise 6.1 CoroAwaiter::await_resume>
      return static_cast<promise_type&>(promise()).outcome.take();
      // </exercise>
    }
  };

  explicit Coro(Frame frame) noexcept : frame_(frame) {}

  Frame frame_;
};

}  // namespace asyncio

/// The compiler asks here what the promise of a Coro is, and tells the types of the parameters.
template <class T, class... Parameters>
struct std::coroutine_traits<asyncio::Coro<T>, Parameters...> {
  static_assert(
      (!std::is_rvalue_reference_v<Parameters> && ...),
      "a parameter of a coroutine must not be an rvalue reference, for what it refers to may be gone "
      "when the body runs: take it by value");
  using promise_type = typename asyncio::Coro<T>::promise_type;
};
