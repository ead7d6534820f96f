#pragma once

// What the tests of chapter 08 share.

#include "awaitable.hpp"
#include "coro.hpp"
#include "countdown.hpp"
#include "generator.hpp"
#include "outcome.hpp"
#include "sum_of_two.hpp"
#include "sync_wait.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "stack.hpp"
#include "testing.hpp"

using asyncio::Coro;
using asyncio::Countdown;
using asyncio::Generator;
using asyncio::Outcome;
using asyncio::sync_wait;
using course::Counted;
using course::error_of;
using course::levels;
using course::Log;
using course::stack_end;
using course::what;

/// Logs when it is destroyed.
struct LogsEnd {
  LogsEnd(Log& log, std::string name) : log(log), name(std::move(name)) {}
  LogsEnd(const LogsEnd&) = delete;
  LogsEnd& operator=(const LogsEnd&) = delete;
  ~LogsEnd() { log.push_back("~" + name); }

  Log& log;
  const std::string name;
};

/// Counts how often it was copied and moved on its way here; its number tells if it was moved from.
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

/// An object whose address only std::addressof() tells.
struct Unaddressed {
  Unaddressed* operator&() const { return nullptr; }
};

/// Yields 1 to `last`.
inline Generator<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield int(i);
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
T run(Coro<T> coro) {
  coro.handle().resume();
  if (!coro.done()) throw std::logic_error("the coroutine has not ended");
  return coro.outcome().take();
}

inline Coro<int> number(int n) { co_return n; }

/// Awaits `n` coroutines inside one another, and counts them.
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

/// Returns how many pieces of memory are allocated now.
inline std::size_t in_use() { return course::allocations() - course::deallocations(); }

/// Returns the differences from each of `ends` to the next; above 0 where the stack has grown.
inline std::vector<std::ptrdiff_t> steps(const std::vector<std::uintptr_t>& ends) {
  std::vector<std::ptrdiff_t> differences;
  for (std::size_t i = 1; i < ends.size(); ++i)
    differences.push_back(static_cast<std::ptrdiff_t>(ends[i - 1] - ends[i]));
  return differences;
}
