#pragma once

// What the tests of chapter 03 share.

#include "future.hpp"

#include <cstddef>
#include <exception>
#include <functional>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "gate.hpp"
#include "testing.hpp"

using concurrent::Future;
using concurrent::FutureState;
using concurrent::InlineExecutor;
using concurrent::ManualExecutor;
using concurrent::Promise;
using concurrent::ThreadPoolExecutor;
using course::Counted;
using course::error;
using course::Gate;
using course::what;
using namespace std::chrono_literals;

/// The one type of the functions without a result that tests submit. The compiler makes a pool's machinery
/// anew for each type, so that a lambda that stays one costs it more than the whole test around it.
using Call = std::function<void()>;

/// A value that takes its time to be stored: copies of it pass through a gate.
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

/// Returns what came of a future, in a word: the result, "cancelled", "not done", or the message of the
/// exception.
template <class T>
std::string outcome(const Future<T>& future) {
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
  } catch (const concurrent::BrokenThreadPool&) {
    return "broken pool";
  } catch (...) {
    return what(std::current_exception());
  }
}

/// Waits until the future is done, and returns outcome().
template <class T>
std::string outcome_at_last(const Future<T>& future) {
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
