#pragma once

// What the tests of chapter 11 share.

#include "task.hpp"
#include "virtual_time_selector.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "testing.hpp"
#include "virtual_loop.hpp"

using asyncio::CancelledError;
using asyncio::Coro;
using asyncio::EventLoop;
using asyncio::sleep;
using asyncio::Task;
using course::AtEnd;
using course::error_of;
using course::Log;
using course::VirtualLoop;
using namespace std::chrono_literals;

/// Awaits `awaitable`, and notes that, and how it ended: "b", "b cancelled" or "b" and the error.
template <class A>
Coro<> note_when(VirtualLoop& v, std::string who, A awaitable) {
  try {
    co_await std::move(awaitable);
    v.note(who);
  } catch (const CancelledError&) {
    v.note(who + " cancelled");
    throw;
  } catch (const std::exception& error) {
    v.note(who + ": " + error.what());
  }
}

/// Starts a task that does so.
template <class A>
Task<> start(VirtualLoop& v, std::string who, A awaitable) {
  return v.loop.create_task(note_when(v, std::move(who), std::move(awaitable)));
}

/// Calls `fn` in a task of its own, runs it for a pass, and returns what went wrong: "nothing", if nothing.
template <class F>
std::string error_in_task(VirtualLoop& v, F fn) {
  std::string error;
  const auto body = [&]() -> Coro<> {
    error = error_of(fn);
    co_return;
  };
  const Task<> task = v.loop.create_task(body());
  v.passes_until_done(task);
  return error;
}

/// Runs what `make()` gives in a task of `v`, until it is done. @returns its error, or "nothing"
template <class F>
std::string error_of_await(VirtualLoop& v, F make) {
  const auto body = [&]() -> Coro<> { co_await make(); };
  const Task<> task = v.loop.create_task(body());
  for (int i = 0; i < 100 && !task.done(); ++i) v.run_once();
  if (!task.done()) return "not done";
  return error_of([&] { task.result(); });
}
