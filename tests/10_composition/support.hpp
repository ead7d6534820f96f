#pragma once

// What the tests of chapter 10 share: the loops that they run on, and the coroutines that they compose.

#include "composition.hpp"
#include "virtual_time_selector.hpp"

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
using asyncio::as_completed;
using asyncio::CancelledError;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::current_task;
using asyncio::Duration;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::ExceptionGroup;
using asyncio::Future;
using asyncio::gather;
using asyncio::get_running_loop;
using asyncio::ReturnWhen;
using asyncio::shield;
using asyncio::sleep;
using asyncio::Task;
using asyncio::TaskGroup;
using asyncio::timeout;
using asyncio::Timeout;
using asyncio::timeout_at;
using asyncio::TimeoutError;
using asyncio::TimePoint;
using asyncio::VirtualTimeSelector;
using asyncio::wait;
using asyncio::wait_for;
using concurrent::ManualExecutor;
using course::Counted;
using course::error;
using course::error_of;
using course::Log;
using course::what;
using namespace std::chrono_literals;

/// Remembers what a loop tells its exception handler. What is not written stops the loop, for nothing would
/// end it any more.
inline void listen(EventLoop& loop, Log& reports) {
  loop.set_exception_handler([&reports](EventLoop& loop, const ExceptionContext& context) {
    reports.push_back(context.message + " " + what(context.exception));
    try {
      if (context.exception) std::rethrow_exception(context.exception);
    } catch (const concurrent::NotWritten&) {
      loop.stop();
    } catch (...) {
    }
  });
}

/// Makes a loop whose clock jumps, and begins at 0.
inline std::unique_ptr<EventLoop> virtual_loop() {
  return std::make_unique<EventLoop>(std::make_unique<VirtualTimeSelector>());
}

/// Runs `main()` on a loop whose clock jumps, and begins at 0.
template <class F>
void in_loop(Log& reports, F main) {
  const auto factory = [&] {
    auto loop = virtual_loop();
    listen(*loop, reports);
    return loop;
  };
  asyncio::run(main(), {.loop_factory = factory});
}

/// Runs `main()` so, and checks that nothing goes to the loop's exception handler.
template <class F>
void in_loop(F main) {
  Log reports;
  in_loop(reports, std::move(main));
  EXPECT_EQ(reports, Log());
}

/// Returns the time on the clock of the running loop, which began at 0.
inline Duration now() { return get_running_loop().time().time_since_epoch(); }

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
inline Coro<> fail_after(Duration delay, std::string text) {
  co_await sleep(delay);
  throw std::runtime_error(text);
}

/// Sleeps, and logs its beginning and its end.
inline Coro<> logs(Log& log, std::string name, Duration work) {
  log.push_back(name + " begins");
  try {
    co_await sleep(work);
  } catch (const CancelledError&) {
    log.push_back(name + " is cancelled");
    throw;
  }
  log.push_back(name + " ends");
}

/// Sleeps, with something alive.
inline Coro<> alive_for(std::atomic<int>& alive, Duration work) {
  const Counted counted(alive);
  co_await sleep(work);
}

/// Works for ever. When it is cancelled it takes time to go.
inline Coro<> slow_to_go(Log& log, Duration cleanup, std::string name = "it") {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  log.push_back(name + " is cancelled");
  co_await sleep(cleanup);
  log.push_back(name + " is gone");
  throw CancelledError();
}

/// Works for ever. When it is cancelled it takes time, and then does not go, but gives a value.
inline Coro<int> refuses(int value, Duration cleanup = 0s) {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  if (cleanup > 0s) co_await sleep(cleanup);
  co_return value;
}

/// Works for ever. When it is cancelled it fails.
inline Coro<> fails_to_go(std::string text) {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  throw std::runtime_error(text);
}

/// Lets everybody else have so many turns.
inline Coro<> passes(int number) {
  while (number-- > 0) co_await sleep(0s);
}

/// Counts the passes in a log, up to a number of them.
inline Coro<> count_passes(Log& log, int last) {
  for (int i = 1; i <= last; ++i) {
    co_await sleep(0s);
    log.push_back(std::to_string(i));
  }
}

/// Takes so many turns, with something alive.
inline Coro<> alive_passes(std::atomic<int>& alive, int number) {
  const Counted counted(alive);
  co_await passes(number);
}
