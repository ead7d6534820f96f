#pragma once

// What the tests of chapter 10 share.

#include "bridge.hpp"
#include "composition.hpp"
#include "pitfall_hasty_weak_loop.hpp"
#include "process_pool.hpp"
#include "virtual_time_selector.hpp"
#include "work_stealing_executor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <latch>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <semaphore>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "generator.hpp"
#include "testing.hpp"
#include "thread_name.hpp"

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
using asyncio::GatherOptions;
using asyncio::Generator;
using asyncio::get_running_loop;
using asyncio::HastyWeakLoop;
using asyncio::InvalidStateError;
using asyncio::Outcome;
using asyncio::ReturnWhen;
using asyncio::run_coroutine_threadsafe;
using asyncio::shield;
using asyncio::sleep;
using asyncio::Task;
using asyncio::TaskGroup;
using asyncio::Timeout;
using asyncio::timeout;
using asyncio::timeout_at;
using asyncio::TimeoutError;
using asyncio::TimePoint;
using asyncio::to_thread;
using asyncio::VirtualTimeSelector;
using asyncio::wait;
using asyncio::wait_for;
using asyncio::wrap_future;
using concurrent::InlineExecutor;
using concurrent::ManualExecutor;
using concurrent::ProcessPoolExecutor;
using concurrent::SerialExecutor;
using concurrent::ThreadPoolExecutor;
using concurrent::WorkStealingExecutor;
using course::AtEnd;
using course::Counted;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

/// What was thrown, in a word.
inline std::string said(const std::exception_ptr& error) {
  try {
    if (!error) return "nothing";
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return "cancelled";
  } catch (const TimeoutError&) {
    return "timeout";
  } catch (...) {
    return course::what(std::current_exception());
  }
}

/// What `fn` throws, in a word.
template <class F>
inline std::string error_in(F fn) {
  try {
    fn();
  } catch (...) {
    return said(std::current_exception());
  }
  return "nothing";
}

/// What awaiting `awaitable` throws, in a word.
template <class A>
inline Coro<std::string> error_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (...) {
    co_return said(std::current_exception());
  }
  co_return "nothing";
}

/// Remembers what a loop tells its exception handler. What is not written stops the loop, for nothing would
/// end it any more.
inline void listen(EventLoop& loop, Log& reports) {
  loop.set_exception_handler([&reports](EventLoop& loop, const ExceptionContext& context) {
    reports.push_back(context.message + " " + said(context.exception));
    try {
      if (context.exception) std::rethrow_exception(context.exception);
    } catch (const concurrent::NotWritten&) {
      loop.stop();
    } catch (...) {
    }
  });
}

inline std::unique_ptr<EventLoop> virtual_loop() {
  return std::make_unique<EventLoop>(std::make_unique<VirtualTimeSelector>());
}

/// Runs `main()` on a loop whose clock jumps, and begins at 0.
template <class F>
inline void in_loop(Log& reports, F main) {
  const auto factory = [&] {
    auto loop = virtual_loop();
    listen(*loop, reports);
    return loop;
  };
  asyncio::run(main(), {.loop_factory = factory});
}

/// … and nothing goes to the loop's exception handler.
template <class F>
inline void in_loop(F main) {
  Log reports;
  in_loop(reports, std::move(main));
  EXPECT_EQ(reports, Log());
}

/// The time on the clock of the running loop, which began at 0.
inline Duration now() { return get_running_loop().time().time_since_epoch(); }

/// Lets `loop` run for so many passes. Its time stands still.
inline void run_passes(EventLoop& loop, int passes) {
  for (int i = 0; i < passes; ++i) {
    loop.stop();
    loop.run_forever();
  }
}

/// Begins `main(alive)`, which waits and counts something as alive in its frames. Then the loop is closed, or
/// destroyed: nothing is left.
template <class F>
inline void abandon(F main) {
  for (const bool close : {true, false}) {
    std::atomic<int> alive = 0;
    Log reports;
    auto loop = virtual_loop();
    listen(*loop, reports);
    Task<> task = loop->create_task(main(alive));
    run_passes(*loop, 6);
    EXPECT_FALSE(task.done());
    EXPECT_GT(alive, 0);
    if (close) {
      loop->close();
      EXPECT_EQ(alive, 0) << "closed";
    } else {
      loop.reset();
      EXPECT_EQ(alive, 0) << "destroyed";
    }
    EXPECT_TRUE(task.cancelled());
  }
}

template <class T>
inline Coro<T> after(Duration delay, T result) {
  co_await sleep(delay);
  co_return result;
}

inline Coro<> fail_after(Duration delay, std::string text) {
  co_await sleep(delay);
  throw std::runtime_error(text);
}

/// Sleeps. Says what becomes of it.
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

/// Runs `main(alive)` as a task, and cancels that after no pass, after one, after two, … until it ends
/// before. However late that is, it is cancelled, and nothing is left.
/// @returns how often it was cancelled
template <class F>
inline Coro<int> cancel_at_every_pass(F main) {
  for (int pass = 0;; ++pass) {
    std::atomic<int> alive = 0;
    Task<> task = create_task(main(alive));
    co_await passes(pass);
    if (task.done()) {
      EXPECT_EQ(task.exception(), nullptr);
      EXPECT_EQ(alive, 0);
      co_return pass;
    }
    EXPECT_TRUE(task.cancel());
    const std::string error = co_await error_of(task);
    EXPECT_EQ(error, "cancelled") << "after " << pass << " passes";
    EXPECT_EQ(task.cancelling(), 1u);
    EXPECT_EQ(alive, 0) << "after " << pass << " passes";
    EXPECT_EQ(all_tasks().size(), 1u);
  }
}

/// Whose copies throw.
struct NoCopies {
  NoCopies() = default;
  NoCopies(NoCopies&&) = default;
  NoCopies(const NoCopies& other) : copied(true) { throw std::runtime_error("no copies"); }
  NoCopies& operator=(NoCopies&&) = default;

  bool copied = false;
};

inline Coro<NoCopies> no_copies() {
  co_await sleep(1s);
  co_return NoCopies();
}

inline int shared_number = 7;

inline Coro<int&> reference_after(Duration delay) {
  co_await sleep(delay);
  co_return shared_number;
}

/// Two limits, one in the other. Where does which exception come?
inline Coro<> nested(Log& log, Duration outer_delay, Duration inner_delay, Duration work) {
  const auto innermost = [&](Timeout& limit) -> Coro<> {
    try {
      co_await sleep(work);
    } catch (...) {
      log.push_back(std::string("part: ") + said(std::current_exception()) +
                    (limit.expired() ? ", expired" : ""));
      throw;
    }
  };
  const auto inner = [&](Timeout& limit) -> Coro<> {
    const std::string error = co_await error_of(timeout(inner_delay, innermost));
    log.push_back("inner: " + error + (limit.expired() ? ", expired" : ""));
    if (error == "cancelled") throw CancelledError();
    co_await sleep(work);
  };
  const std::string error = co_await error_of(timeout(outer_delay, inner));
  log.push_back("outer: " + error);
  EXPECT_EQ(current_task()->cancelling(), 0u);
}

/// The exceptions of a group, in order, with those of the groups in it: "a, (b, c)".
inline std::string list(const ExceptionGroup& group) {
  std::string text;
  for (const std::exception_ptr& exception : group.exceptions()) {
    if (!text.empty()) text += ", ";
    try {
      std::rethrow_exception(exception);
    } catch (const ExceptionGroup& inner) {
      text += "(" + list(inner) + ")";
    } catch (...) {
      text += said(exception);
    }
  }
  return text;
}

/// As error_of(), but of an ExceptionGroup it lists what is in it.
template <class A>
inline Coro<std::string> errors_of(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (const ExceptionGroup& group) {
    co_return "group: " + list(group);
  } catch (...) {
    co_return said(std::current_exception());
  }
  co_return "nothing";
}

/// An exception that nothing else is.
template <class E = std::runtime_error>
inline std::exception_ptr error(const char* text) {
  return std::make_exception_ptr(E(text));
}

/// Works for ever. When it is cancelled it fails.
inline Coro<> fails_to_go(std::string text) {
  try {
    co_await sleep(1000h);
  } catch (const CancelledError&) {
  }
  throw std::runtime_error(text);
}

inline std::vector<Task<int>> tasks_after(std::vector<Duration> delays) {
  std::vector<Task<int>> tasks;
  for (const Duration delay : delays)
    tasks.push_back(create_task(after(delay, static_cast<int>(delay / 1s))));
  return tasks;
}

/// The results of tasks that are done, in order.
inline std::vector<int> results(const std::vector<Task<int>>& tasks) {
  std::vector<int> numbers;
  for (const Task<int>& task : tasks) numbers.push_back(task.result());
  return numbers;
}

/// How many callbacks the running loop calls while `until` lasts. In debug mode it tells of each that is
/// slow.
inline Coro<std::ptrdiff_t> callbacks_in(Coro<> until) {
  EventLoop& loop = get_running_loop();
  loop.slow_callback_duration = 0s;
  testing::internal::CaptureStderr();
  loop.set_debug(true);
  co_await std::move(until);
  loop.set_debug(false);
  const std::string text = testing::internal::GetCapturedStderr();
  co_return std::ranges::count(text, '\n');
}

using Numbers = std::vector<int>;

/// Runs `main()` on a loop that sleeps until it is woken, as loops do where there are threads.
template <class F>
inline void in_real_loop(Log& reports, F main) {
  const auto factory = [&] {
    auto loop = asyncio::new_event_loop();
    listen(*loop, reports);
    return loop;
  };
  asyncio::run(main(), {.loop_factory = factory});
}
template <class F>
inline void in_real_loop(F main) {
  Log reports;
  in_real_loop(reports, std::move(main));
  EXPECT_EQ(reports, Log());
}

/// Keeps a thread until it is told to go on.
class Gate {
 public:
  ~Gate() { open(); }

  /// Says that a thread is here, and waits for open().
  void pass() {
    entered_.release();
    opened_.acquire();
    opened_.release();
  }
  void open() {
    if (!std::exchange(is_open_, true)) opened_.release();
  }
  void wait_until_entered() { entered_.acquire(); }

 private:
  bool is_open_ = false;
  std::counting_semaphore<1'000> entered_{0};
  std::counting_semaphore<1'000> opened_{0};
};

/// What is told of exceptions that escape from the callbacks of futures of threads.
class CallbackErrors {
 public:
  CallbackErrors() {
    concurrent::callback_exception_handler().set([this](std::exception_ptr error) {
      std::lock_guard lock(mutex_);
      log_.push_back(said(error));
    });
  }
  ~CallbackErrors() {
    concurrent::callback_exception_handler().set({});
    EXPECT_EQ(log_, Log());
  }

 private:
  std::mutex mutex_;
  Log log_;
};

inline int twice(int number) { return 2 * number; }
inline int complain(int number) { throw std::invalid_argument("not " + std::to_string(number)); }

template <class T, class... Value>
inline concurrent::Future<T> already(Value&&... value) {
  concurrent::Promise<T> promise;
  promise.set_result(std::forward<Value>(value)...);
  return promise.future();
}
