#pragma once

// What the tests of chapter 09 share.

#include "pitfall_hasty_future.hpp"
#include "sync_wait.hpp"
#include "task.hpp"
#include "virtual_time_selector.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "testing.hpp"

using asyncio::all_tasks;
using asyncio::AnyFuture;
using asyncio::AnyTask;
using asyncio::CancelledError;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::current_task;
using asyncio::Duration;
using asyncio::ensure_future;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::FramePool;
using asyncio::Future;
using asyncio::Handle;
using asyncio::HastyFuture;
using asyncio::InvalidStateError;
using asyncio::NodePool;
using asyncio::Runner;
using asyncio::Selector;
using asyncio::sleep;
using asyncio::Task;
using asyncio::TimePoint;
using asyncio::VirtualTimeSelector;
using course::AtEnd;
using course::Counted;
using course::what;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

/// A loop whose clock jumps, and what happens in it: "2 woken" has happened in its third pass.
struct VirtualLoop {
  Log log;  // outlives what the loop destroys
  int pass = 0;
  VirtualTimeSelector& clock;
  EventLoop loop;

  VirtualLoop() : VirtualLoop(std::make_unique<VirtualTimeSelector>()) {}
  explicit VirtualLoop(std::unique_ptr<VirtualTimeSelector> selector)
      : clock(*selector), loop(std::move(selector)) {}

  void note(const std::string& what) { log.push_back(std::to_string(pass) + " " + what); }

  /// Runs for so many passes.
  void passes(int count) {
    for (int i = 0; i < count; ++i) {
      loop.stop();
      loop.run_forever();
      ++pass;
    }
  }
  /// Runs until `future` is done. @returns how many passes that took; after a million it gives up
  int passes_until_done(const AnyFuture& future) {
    const int before = pass;
    while (!future.done() && pass - before < 1'000'000) passes(1);
    return pass - before;
  }
  /// Runs until the clock shows `time`, and then for one pass, in which those go on who have slept until
  /// then.
  void run_to(Duration time) {
    loop.call_at(TimePoint(time), [this] { loop.stop(); });
    loop.run_forever();
    passes(1);
  }
  /// The time on the loop's clock, which began at 0.
  Duration time() const { return loop.time().time_since_epoch(); }

  /// Notes what the loop's exception handler is told.
  void note_reports() {
    loop.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
      log.push_back(context.message + ": " + what(context.exception));
    });
  }
};

/// What `fn` throws, as text.
template <class F>
inline std::string error_of(F fn) {
  try {
    fn();
  } catch (const CancelledError&) {
    return "cancelled";
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

/// How a future has ended: "7", an error, or "cancelled"; or that it is "pending".
inline std::string outcome_of(const Future<int>& future) {
  if (!future.done()) return "pending";
  std::string text;
  const std::string error = error_of([&] { text = std::to_string(future.result()); });
  return text.empty() ? error : text;
}
inline std::string outcome_of(const Future<>& future) {
  if (!future.done()) return "pending";
  const std::string error = error_of([&] { future.result(); });
  return error == "nothing" ? "done" : error;
}

/// What is written to stderr while `fn` runs.
template <class F>
inline std::string stderr_of(F fn) {
  testing::internal::CaptureStderr();
  fn();
  return testing::internal::GetCapturedStderr();
}

/// A result that can neither be copied nor made of nothing.
struct Ticket {
  explicit Ticket(int number) : number(std::make_unique<int>(number)) {}
  std::unique_ptr<int> number;
};

/// A result that tells how often it was copied.
struct Copies {
  Copies() = default;
  Copies(const Copies& other) : copies(other.copies + 1) {}
  Copies(Copies&&) = default;
  int copies = 0;
};

/// A result that is larger than what a pool has room for.
struct Page {
  std::array<int, 1'000> numbers{};
};

// Coroutines that many tests need.

/// Awaits a future, notes what it gives, and hands it on.
inline Coro<int> relay(VirtualLoop& v, const char* name, Future<int> future) {
  const std::string who = name;
  try {
    const int number = co_await future;
    v.note(who + " " + std::to_string(number));
    co_return number;
  } catch (const CancelledError&) {
    v.note(who + " cancelled");
    throw;
  } catch (const std::exception& error) {
    v.note(who + " " + error.what());
    throw;
  }
}

inline Coro<int> give(int number) { co_return number; }
inline Coro<int> fail(const char* error) {
  throw std::runtime_error(error);
  co_return 0;
}
