#pragma once

#include <condition_variable>
#include <coroutine>
#include <mutex>
#include <utility>

#include "awaitable.hpp"
#include "outcome.hpp"
#include "pooled_frame.hpp"
#include "todo.hpp"

namespace asyncio {

namespace detail {

/// Something that one thread waits for, and one lets happen. A suggestion: it is yours, and so is its name.
class Happening {
  // <exercise 8.1 members Happening>
 public:
  void set() noexcept {
    // To the end, for the one that waits may destroy this as soon as it gets the lock.
    std::lock_guard lock(mutex_);
    happened_ = true;
    changed_.notify_one();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return happened_; });
  }

 private:
  std::mutex mutex_;  // guards happened_
  std::condition_variable changed_;
  bool happened_ = false;
  // </exercise>
};

/// A coroutine that awaits something for a thread that waits for it.
template <class T>
class SyncWait {
 public:
  struct promise_type : PooledFrame, ReturnValueMixin<T> {
    Happening ended;

    struct FinalAwaiter {
      static bool await_ready() noexcept { return false; }
      /// The coroutine has ended. The thread that waits will destroy the frame.
      static void await_suspend(std::coroutine_handle<promise_type> frame) noexcept {
        // <exercise 8.1 FinalAwaiter::await_suspend>
        frame.promise().ended.set();
        // </exercise>
      }
      static void await_resume() noexcept {}
    };

    SyncWait get_return_object() noexcept {
      return SyncWait(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static FinalAwaiter final_suspend() noexcept { return {}; }
  };

  SyncWait(const SyncWait&) = delete;
  SyncWait& operator=(const SyncWait&) = delete;
  ~SyncWait() { frame_.destroy(); }

  /// Runs the coroutine to its end.
  /// @returns what it has awaited gives, or throws that
  T run() {
    // <exercise 8.1 SyncWait::run>
    frame_.resume();
    frame_.promise().ended.wait();
    return frame_.promise().outcome.take();
    // </exercise>
  }

 private:
  explicit SyncWait(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  const std::coroutine_handle<promise_type> frame_;
};

/// The coroutine. Its parameter refers to what sync_wait() was given, which waits until this is over.
template <class T, class A>
SyncWait<T> await_for_thread(std::add_lvalue_reference_t<A> awaitable) {
  co_return co_await static_cast<A&&>(awaitable);
}

}  // namespace detail

/// Awaits `awaitable` on this thread, which waits until it is over: the bridge from ordinary functions to
/// coroutines. What it waits for may go on, and end, on another thread. Not for the thread of a running event
/// loop, which it would block. Python: `loop.run_until_complete`, without a loop.
/// @returns its result
/// @throws what it throws
template <class A>
decltype(auto) sync_wait(A&& awaitable) {
  if constexpr (detail::can_be_awaited<A>())
    return detail::await_for_thread<await_result_t<A>, A>(awaitable).run();
}

}  // namespace asyncio
