#pragma once

#include <cstddef>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <unordered_set>
#include <utility>
#include <vector>

#include "done_listener.hpp"
#include "future.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio {

/// When wait() ends. Python: `FIRST_COMPLETED`, `FIRST_EXCEPTION`, `ALL_COMPLETED`.
using concurrent::ReturnWhen;

/// What wait() waits for. Python: the keyword arguments of `wait`.
struct WaitOptions {
  ReturnWhen return_when = ReturnWhen::all_completed;
  std::optional<Duration> timeout = std::nullopt;  ///< none: as long as it takes
};

/// What wait() has found: each future once, in the order in which they were given. F is a Future or a Task.
template <class F>
struct DoneAndPending {
  std::vector<F> done;
  std::vector<F> pending;
};

namespace detail {

/// Each once, in order.
template <std::ranges::input_range R>
auto distinct_futures(R&& futures) {
  using F = std::ranges::range_value_t<R>;
  static_assert(IsFuture<F>, "this takes futures and tasks; make a task of a Coro with create_task()");
  std::vector<F> distinct;
  std::unordered_set<const FutureBase*> seen;
  for (const F& future : futures)
    if (seen.insert(&future.state()).second) distinct.push_back(future);
  return distinct;
}

template <class F>
Coro<DoneAndPending<F>> wait_for_several(std::vector<F> futures, WaitOptions options) {
  // <exercise 5.1 wait_for_several> Create a future of the running loop: enough. For each of the futures, a
  // DoneListener counts down how many are left. When none is; or, for first_completed, at once; or, for
  // first_exception, if this future's state() has an error(): it sets the result of enough, unless that is
  // done(). With a timeout, so does a timer, whose handle is in a CancelAtEnd. Await enough. Return which of
  // the futures are done() now, and which are pending.
  DoneAndPending<F> found;
  EventLoop& loop = get_running_loop();
  Future<> enough = loop.create_future();
  const auto wake = [&enough] {
    if (!enough.done()) enough.set_result();
  };
  std::size_t left = futures.size();
  std::vector<DoneListener> listeners;
  for (const F& future : futures)
    listeners.emplace_back(future, [&, wake](const AnyFuture& done) {
      if (--left == 0 || options.return_when == ReturnWhen::first_completed ||
          (options.return_when == ReturnWhen::first_exception && done.state().error()))
        wake();
    });
  const CancelAtEnd timer(options.timeout ? loop.call_later(*options.timeout, wake) : TimerHandle());
  co_await enough;
  for (const F& future : futures) (future.done() ? found.done : found.pending).push_back(future);
  co_return found;
  // </exercise>
}

}  // namespace detail

/// Waits until the futures and tasks of a range are done as `return_when` says, or the time is over: that is
/// no error. None is cancelled, and none of their exceptions thrown. When it ends, more may be done than it
/// has waited for. Python: `asyncio.wait`.
/// @throws std::invalid_argument if there are none
template <std::ranges::input_range R>
auto wait(R&& futures, WaitOptions options = {}) {
  auto distinct = detail::distinct_futures(std::forward<R>(futures));
  if (distinct.empty()) throw std::invalid_argument("wait needs at least one future");
  return detail::wait_for_several(std::move(distinct), options);
}

}  // namespace asyncio
