#pragma once

// What the coroutines of chapter 08 wait for.

#include "support.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

/// An event that a coroutine waits for and that a test sends, from any thread:
/// `co_await signal`.
class Signal {
 public:
  auto operator co_await() noexcept {
    struct Awaiter {
      Signal& signal;
      static bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) const noexcept { signal.waiting_ = waiting; }
      int await_resume() const noexcept { return signal.value_; }
    };
    return Awaiter{*this};
  }

  [[nodiscard]] bool is_awaited() const noexcept { return waiting_.load() != nullptr; }
  void send(int value) {
    value_ = value;
    waiting_.exchange(nullptr).resume();
  }

 private:
  std::atomic<std::coroutine_handle<>> waiting_{nullptr};
  int value_ = 0;
};

/// A thread that coroutines change to: `co_await worker`. Its end waits until there is nothing left to run.
class Worker {
 public:
  ~Worker() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }

  auto operator co_await() noexcept {
    struct Awaiter {
      Worker& worker;
      static bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) const { worker.post(waiting); }
      static std::thread::id await_resume() noexcept { return std::this_thread::get_id(); }
    };
    return Awaiter{*this};
  }

  void post(std::coroutine_handle<> frame) {
    const std::lock_guard lock(mutex_);
    frames_.push_back(frame);
    changed_.notify_one();
  }

 private:
  void work() {
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [this] { return stopping_ || !frames_.empty(); });
      if (frames_.empty()) return;
      const std::coroutine_handle<> frame = frames_.front();
      frames_.pop_front();
      lock.unlock();
      frame.resume();
      lock.lock();
    }
  }

  std::mutex mutex_;  // guards the following
  std::condition_variable changed_;
  std::deque<std::coroutine_handle<>> frames_;
  bool stopping_ = false;
  std::jthread thread_{[this] { work(); }};
};

/// Gives twice its number to whoever awaits it, by a free operator.
struct Doubled {
  int number;
};
auto operator co_await(Doubled doubled) noexcept {
  struct Awaiter {
    int number;
    static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    int await_resume() const noexcept { return 2 * number; }
  };
  return Awaiter{doubled.number};
}

/// An awaiter that needs no wait.
struct Ready {
  static bool await_ready() noexcept { return true; }
  static void await_suspend(std::coroutine_handle<>) {
    throw std::logic_error("who is ready is not waited for");
  }
  static int await_resume() noexcept { return 7; }
};

/// An awaiter that gives true if it is still where it was made.
struct InPlace {
  static bool await_ready() noexcept { return false; }
  static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
  [[nodiscard]] bool await_resume() const noexcept { return self == this; }

  const InPlace* self = this;
};

/// Awaits `n` coroutines inside one another, the innermost of which waits for the signal.
inline Coro<int> waiting(int n, Signal& signal) {
  if (n == 0) co_return co_await signal;
  co_return 1 + co_await waiting(n - 1, signal);
}

/// A number whose frame is too large for the pool: each takes memory.
inline Coro<int> large(int depth) {
  std::array<char, 2000> room{};
  room[0] = 1;
  const std::string text(50, 'x');
  if (depth == 0) co_return static_cast<int>(text.size());
  co_return co_await large(depth - 1) + room[0];
}
