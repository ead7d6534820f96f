#pragma once

// What the tests of chapter 08 share.

#include "awaitable.hpp"
#include "coro.hpp"
#include "countdown.hpp"
#include "generator.hpp"
#include "pitfall_nested_resume.hpp"
#include "outcome.hpp"
#include "pooled_frame.hpp"
#include "sync_wait.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "testing.hpp"

using asyncio::Coro;
using asyncio::Countdown;
using asyncio::FramePool;
using asyncio::Generator;
using asyncio::NestedResume;
using asyncio::Outcome;
using asyncio::sync_wait;
using course::Counted;
using course::levels;
using course::stack_end;
using course::what;
using Log = std::vector<std::string>;

/// What `fn` throws, as text.
template <class F>
inline std::string error_of(F fn) {
  try {
    fn();
  } catch (...) {
    return what(std::current_exception());
  }
  return "nothing";
}

/// Says in a log when it is destroyed.
struct LogsEnd {
  LogsEnd(Log& log, std::string name) : log(log), name(std::move(name)) {}
  LogsEnd(const LogsEnd&) = delete;
  LogsEnd& operator=(const LogsEnd&) = delete;
  ~LogsEnd() { log.push_back("~" + name); }

  Log& log;
  const std::string name;
};

/// Knows how often it was copied and moved on its way here, and whether it was moved from.
struct Traced {
  explicit Traced(int number) : number(number) {}
  Traced(const Traced& other) : number(other.number), copies(other.copies + 1), moves(other.moves) {}
  Traced(Traced&& other) noexcept
      : number(std::exchange(other.number, moved_from)), copies(other.copies), moves(other.moves + 1) {}

  static constexpr int moved_from = -1;
  int number;
  int copies = 0;
  int moves = 0;
};

/// Whoever wants its address has to ask std::addressof().
struct Unaddressed {
  Unaddressed* operator&() const { return nullptr; }
};

/// The frame of a Generator, which has nothing else.
template <class T>
std::coroutine_handle<typename Generator<T>::promise_type> frame_of(const Generator<T>& generator) {
  void* address = nullptr;
  std::memcpy(&address, &generator, sizeof address);
  return std::coroutine_handle<typename Generator<T>::promise_type>::from_address(address);
}

/// Holds a Generator, and runs it by its frame alone.
template <class T>
class ByHand {
 public:
  /// @param make returns the Generator
  template <class F>
  explicit ByHand(F make) {
    // It is never destroyed, for its destructor is not written yet.
    frame_ = frame_of(*::new (static_cast<void*>(generator_)) Generator<T>(make()));
  }
  ByHand(const ByHand&) = delete;
  ByHand& operator=(const ByHand&) = delete;
  ~ByHand() {
    if (frame_) frame_.destroy();
  }

  void resume() { frame_.resume(); }
  [[nodiscard]] bool done() const { return frame_.done(); }
  [[nodiscard]] auto& promise() const { return frame_.promise(); }
  [[nodiscard]] auto yielded() const { return promise().yielded(); }

 private:
  alignas(Generator<T>) std::byte generator_[sizeof(Generator<T>)];
  std::coroutine_handle<typename Generator<T>::promise_type> frame_;
};

inline Generator<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}

/// The simplest coroutine: it runs at once, and keeps what it ends with.
template <class T>
class Eager {
 public:
  struct promise_type : asyncio::ReturnValueMixin<T> {
    Eager get_return_object() noexcept {
      return Eager(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_never initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
  };

  Eager(const Eager&) = delete;
  Eager& operator=(const Eager&) = delete;
  ~Eager() { frame_.destroy(); }

  [[nodiscard]] Outcome<T>& outcome() const { return frame_.promise().outcome; }

 private:
  explicit Eager(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  const std::coroutine_handle<promise_type> frame_;
};

/// Runs a Coro to its end, as long as nothing in it has to wait.
template <class T>
inline T run(Coro<T> coro) {
  coro.handle().resume();
  if (!coro.done()) throw std::logic_error("the coroutine has not ended");
  return coro.outcome().take();
}

/// Something that a coroutine waits for, and that happens when the test wants it, on whatever thread:
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

/// Can be awaited by means of a free operator, twice what it holds.
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

/// An awaiter that says whether it is where it was made.
struct InPlace {
  static bool await_ready() noexcept { return false; }
  static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
  [[nodiscard]] bool await_resume() const noexcept { return self == this; }

  const InPlace* self = this;
};

inline Coro<int> number(int n) { co_return n; }

/// A chain of `n` coroutines inside one another.
inline Coro<int> nested(int n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await nested(n - 1);
}

/// Awaits another coroutine `n` times.
inline Coro<int> in_a_loop(int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await number(1);
  co_return sum;
}

/// A chain of `n` coroutines, the innermost of which waits for the signal.
inline Coro<int> waiting(int n, Signal& signal) {
  if (n == 0) co_return co_await signal;
  co_return 1 + co_await waiting(n - 1, signal);
}

/// Fails in the innermost of `n` coroutines.
inline Coro<int> failing(int n) {
  if (n == 0) throw n;
  co_return co_await failing(n - 1);
}

/// Fails with an exception that has a text.
inline Coro<int> refusing(std::string text) {
  throw std::runtime_error(text);
  co_return 0;
}

/// How many pieces of memory are allocated now.
inline std::size_t in_use() { return course::allocations() - course::deallocations(); }

/// The sizes of the steps from one of `ends` to the next, growing stack first.
inline std::vector<std::ptrdiff_t> steps(const std::vector<std::uintptr_t>& ends) {
  std::vector<std::ptrdiff_t> differences;
  for (std::size_t i = 1; i < ends.size(); ++i)
    differences.push_back(static_cast<std::ptrdiff_t>(ends[i - 1] - ends[i]));
  return differences;
}
