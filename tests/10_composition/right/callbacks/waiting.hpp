// wait() with a callback for each future, and no JoinState.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <tuple>
#include <type_traits>
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

/// Options of wait(). Python: the keyword arguments of `wait`.
struct WaitOptions {
  ReturnWhen return_when = ReturnWhen::all_completed;
  std::optional<concurrent::AnyDuration> timeout = std::nullopt;  ///< none: as long as it takes
};

/// The result of wait(): each future once, in the order in which they were given. F is a Future or a Task.
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

/// Listens to several futures of a loop as long as it is there, with a callback for each.
class Waiting {
 public:
  Waiting(EventLoop& loop, std::vector<AnyFuture> futures, const WaitOptions& options)
      : enough_(loop.create_future()), return_when_(options.return_when), left_(futures.size()) {
    listeners_.reserve(left_);
    for (AnyFuture& future : futures)
      listeners_.emplace_back(std::move(future), [this](const AnyFuture& future) { one_is_done(future); });
    if (options.timeout) timer_.emplace(loop.call_later(*options.timeout, [this] { end(); }));
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  [[nodiscard]] Future<> enough() const noexcept { return enough_; }

 private:
  void one_is_done(const AnyFuture& future) {
    const bool failed = future.state().error() != nullptr;
    if (--left_ == 0 || return_when_ == ReturnWhen::first_completed ||
        (failed && return_when_ == ReturnWhen::first_exception))
      end();
  }
  void end() {
    if (!enough_.done()) enough_.set_result();
  }

  Future<> enough_;
  const ReturnWhen return_when_;
  std::size_t left_;
  std::vector<DoneListener> listeners_;
  std::optional<CancelAtEnd> timer_;
};

/// Does what wait() does, with futures each of which is there once.
template <class F>
Coro<DoneAndPending<F>> wait_for_several(std::vector<F> futures, WaitOptions options) {
  const Waiting waiting(get_running_loop(), {futures.begin(), futures.end()}, options);
  co_await waiting.enough();
  DoneAndPending<F> found;
  for (F& future : futures) (future.done() ? found.done : found.pending).push_back(std::move(future));
  co_return found;
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

/// Waits for several futures and tasks as wait(range) does. If they are of different types, what it gives are
/// AnyFutures.
template <class... F>
requires(sizeof...(F) > 0 && (Awaitable<std::remove_cvref_t<F>> && ...)) auto wait(WaitOptions options,
                                                                                   F&&... futures) {
  static_assert((detail::IsFuture<std::remove_cvref_t<F>> && ...),
                "this takes futures and tasks; make a task of a Coro with create_task()");
  using First = std::remove_cvref_t<std::tuple_element_t<0, std::tuple<F...>>>;
  using Item = std::conditional_t<(std::same_as<First, std::remove_cvref_t<F>> && ...), First, AnyFuture>;
  return wait(std::vector<Item>{Item(std::forward<F>(futures))...}, options);
}
template <class... F>
requires(sizeof...(F) > 0 && (Awaitable<std::remove_cvref_t<F>> && ...)) auto wait(F&&... futures) {
  return wait(WaitOptions(), std::forward<F>(futures)...);
}

}  // namespace asyncio
