#pragma once

// What the tests of chapter 03 share.

#include "future.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::Future;
using concurrent::FutureState;
using concurrent::InlineExecutor;
using concurrent::Job;
using concurrent::ManualExecutor;
using concurrent::Promise;
using concurrent::ReturnWhen;
using concurrent::SerialExecutor;
using concurrent::ThreadPoolExecutor;
using concurrent::detail::CompletionQueue;
using concurrent::detail::WaitNode;
using course::AtEnd;
using course::Counted;
using namespace std::chrono_literals;

// What most tests submit and map. The compiler makes a pool's machinery anew for each type of function, so
// that a lambda that stays one costs it more than the whole test around it.
using Call = std::function<void()>;
using IntCall = std::function<int()>;
using IntOfInt = std::function<int(int)>;

/// Keeps a thread until it is told to go on.
class Gate {
 public:
  void open() { opened_.release(); }
  void pass() {
    entered_.release();
    opened_.acquire();
  }
  void wait_until_entered() { entered_.acquire(); }

 private:
  std::counting_semaphore<> entered_{0}, opened_{0};
};

/// A value that takes its time to be stored: its copies pass through a gate.
struct Slow {
  Slow(int number, Gate& gate) : number(number), gate(&gate) {}
  Slow(const Slow& other) : number(other.number), gate(other.gate) { gate->pass(); }
  Slow(Slow&& other) noexcept = default;
  int number;
  Gate* gate;
};

struct Unmovable : std::runtime_error {
  Unmovable() : std::runtime_error("unmovable") {}
};
/// A value that cannot be stored.
struct ThrowsWhenMoved {
  ThrowsWhenMoved() = default;
  ThrowsWhenMoved(ThrowsWhenMoved&&) { throw Unmovable(); }
  ThrowsWhenMoved(const ThrowsWhenMoved&) { throw Unmovable(); }
};

inline std::exception_ptr error(const char* message) {
  return std::make_exception_ptr(std::runtime_error(message));
}

inline std::string what(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const concurrent::CancelledError&) {
    return "cancelled";
  } catch (const concurrent::BrokenPromise&) {
    return "broken promise";
  } catch (const concurrent::BrokenThreadPool&) {
    return "broken pool";
  } catch (const std::exception& e) {
    return e.what();
  } catch (int number) {
    return std::to_string(number);
  }
  return "nothing";
}

/// What came of a future, in a word: the result, "cancelled", "not done", or the message of the exception.
template <class T>
inline std::string outcome(const Future<T>& future) {
  try {
    if constexpr (std::is_void_v<T>) {
      future.result(0s);
      return "done";
    } else if constexpr (std::is_arithmetic_v<std::decay_t<T>>) {
      return std::to_string(future.result(0s));
    } else {
      return future.result(0s);
    }
  } catch (const concurrent::TimeoutError&) {
    return "not done";
  } catch (...) {
    return what(std::current_exception());
  }
}

/// What result() gives to a thread that has all the time in the world.
template <class T>
inline std::string outcome_at_last(const Future<T>& future) {
  try {
    future.result();
  } catch (...) {
  }
  return outcome(future);
}

/// Promises of ints, and their futures.
struct Several {
  explicit Several(std::size_t count) : promises(count) {
    for (auto& promise : promises) futures.push_back(promise.future());
  }
  void finish_all() {
    for (auto& promise : promises)
      if (!promise.future().done()) promise.set_result(0);
  }
  /// These futures, in the order of their numbers.
  std::vector<Future<int>> at(std::initializer_list<std::size_t> numbers) const {
    std::vector<Future<int>> chosen;
    for (std::size_t number : numbers) chosen.push_back(futures[number]);
    return chosen;
  }
  std::vector<Promise<int>> promises;
  std::vector<Future<int>> futures;
};

inline int add(int a, int b) { return a + b; }

inline const IntOfInt same = [](int item) { return item; };
