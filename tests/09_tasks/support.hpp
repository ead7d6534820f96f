#pragma once

// What the tests of chapter 09 share.

#include "sync_wait.hpp"
#include "task.hpp"
#include "virtual_time_selector.hpp"

#include <array>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "testing.hpp"
#include "virtual_loop.hpp"

using asyncio::all_tasks;
using asyncio::AnyFuture;
using asyncio::CancelledError;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::current_task;
using asyncio::Duration;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::Future;
using asyncio::InvalidStateError;
using asyncio::NodePool;
using asyncio::Selector;
using asyncio::sleep;
using asyncio::Task;
using asyncio::TimePoint;
using asyncio::VirtualTimeSelector;
using course::AtEnd;
using course::Counted;
using course::error_of;
using course::Log;
using course::stderr_of;
using course::VirtualLoop;
using course::what;
using namespace std::chrono_literals;

/// Says how a future has ended: "7", an error, or "cancelled"; or that it is "pending".
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
