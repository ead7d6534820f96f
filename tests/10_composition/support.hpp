#pragma once

// What the tests of chapter 10 share: the loops that they run on, and the coroutines that they compose. It
// knows nothing of the chapter, only of those below.

#include "executor.hpp"
#include "task.hpp"

#include <atomic>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "gate.hpp"
#include "testing.hpp"
#include "virtual_loop.hpp"

using asyncio::all_tasks;
using asyncio::CancelledError;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::current_task;
using asyncio::Duration;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::Future;
using asyncio::get_running_loop;
using asyncio::sleep;
using asyncio::Task;
using asyncio::TimeoutError;
using asyncio::TimePoint;
using asyncio::VirtualTimeSelector;
using concurrent::ManualExecutor;
using course::Counted;
using course::error;
using course::error_of;
using course::Log;
using course::what;
using namespace std::chrono_literals;

/// Makes a pool whose workers take jobs from each other.
std::unique_ptr<concurrent::Executor> work_stealing_executor(int max_workers);

/// Remembers what a loop tells its exception handler. What is not written stops the loop, for nothing would
/// end it any more.
void listen(EventLoop& loop, Log& reports);

/// Makes a loop whose clock jumps, and begins at 0.
std::unique_ptr<EventLoop> virtual_loop();

/// Runs `main` on such a loop, which tells `reports` of errors.
void run_in_virtual_time(Log& reports, Coro<> main);
/// Runs `main` so, and checks that nothing goes to the loop's exception handler.
void run_in_virtual_time(Coro<> main);

/// Runs `main()` so.
template <class F>
void in_loop(Log& reports, F main) {
  run_in_virtual_time(reports, main());
}
template <class F>
void in_loop(F main) {
  run_in_virtual_time(main());
}

/// Returns the time on the clock of the running loop, which began at 0.
Duration now();

/// Awaits `awaitable`. @returns what() of its exception; "nothing" if it throws none
template <class A>
Coro<std::string> error_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (...) {
    co_return what(std::current_exception());
  }
  co_return "nothing";
}

/// Gives `result` after `delay`.
template <class T>
Coro<T> after(Duration delay, T result) {
  co_await sleep(delay);
  co_return result;
}

/// Throws `text` after `delay`.
Coro<> fail_after(Duration delay, std::string text);

/// Sleeps, and logs its beginning and its end.
Coro<> logs(Log& log, std::string name, Duration work);

/// Sleeps, with something alive.
Coro<> alive_for(std::atomic<int>& alive, Duration work);

/// Works for ever. When it is cancelled it takes time to go.
Coro<> slow_to_go(Log& log, Duration cleanup, std::string name = "it");

/// Works for ever. When it is cancelled it takes time, and then does not go, but gives a value.
Coro<int> refuses(int value, Duration cleanup = 0s);

/// Works for ever. When it is cancelled it fails.
Coro<> fails_to_go(std::string text);

/// Lets everybody else have so many turns.
Coro<> passes(int number);

/// Counts the passes in a log, up to a number of them.
Coro<> count_passes(Log& log, int last);

/// Takes so many turns, with something alive.
Coro<> alive_passes(std::atomic<int>& alive, int number);
