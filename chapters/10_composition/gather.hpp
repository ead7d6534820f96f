#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "done_listener.hpp"
#include "outcome.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio {

/// How gather() takes exceptions. Python: the keyword argument of `gather`.
struct GatherOptions {
  bool return_exceptions = false;  ///< an exception is a result like any other, and so is a cancellation
};

namespace detail {

/// The future of several others, its children, which run whether it is there or not.
template <class Result>
class GatherState final : public FutureCell<Result> {
 public:
  /// @param collect makes the result, when all children are done
  GatherState(TaskRegistry& tasks, bool return_exceptions, std::move_only_function<Result()> collect)
      : FutureCell<Result>(tasks), return_exceptions_(return_exceptions), collect_(std::move(collect)) {}

  template <class T>
  void add(const Future<T>& child) {
    ++left_;
    children_.emplace_back(child, [this](const AnyFuture& done) { child_done(done); });
  }

  /// Without children, it is done at once.
  void start() {
    if (left_ == 0) set_result_of(*this, std::ref(collect_));
  }

  /// Cancels all children. What becomes of them ends this.
  bool request_cancel() override {
    // TODO 1.2: Whoever cancels it has looked at it: retrieved(). If it is
    // done(), return false. Otherwise cancel() the future() of each child, all of them. If one of them could
    // be cancelled, note that this was cancel_requested_, and return true; otherwise return false.
    todo("1.2", "GatherState::request_cancel");
  }

  void destroy() noexcept override {
    this->report_unless_retrieved("Future exception was never retrieved");
    std::destroy_at(this);
  }

 private:
  void child_done(const AnyFuture& child) {
    // TODO 1.1: One fewer is left_. Whatever the child has ended with, it is
    // retrieved() (its state() is). If this is done() already, that is all. Without return_exceptions_, if
    // the child was cancelled, finish with a CancelledError as the exception; if it has an error(), with
    // that. If none is left_, and this was cancel_requested_, finish with a CancelledError; otherwise let
    // set_result_of() end this with what collect_ makes. (Children may all have values then: a cancellation
    // is not lost on them.)
    todo("1.1", "GatherState::child_done");
  }

  const bool return_exceptions_;
  bool cancel_requested_ = false;
  std::move_only_function<Result()> collect_;
  std::size_t left_ = 0;
  std::vector<DoneListener> children_;
};

/// What stands for the result of a child that gives nothing.
template <class T>
using Gathered = std::conditional_t<std::is_void_v<T>, std::monostate, std::remove_cvref_t<T>>;

/// The result of a child that has one.
template <class T>
Gathered<T> result_of(const Future<T>& child) {
  if constexpr (std::is_void_v<T>)
    return std::monostate();
  else
    return Future<T>(child).result();
}

/// What a child has ended with, whatever it is.
template <class T>
Outcome<T> outcome_of(const Future<T>& child) {
  Outcome<T> outcome;
  // TODO 1.3: Set in the outcome: a CancelledError if the child was cancelled; its error() if
  // it has one; for void, nothing at all; otherwise the result() of a copy of the child, as an rvalue.
  todo("1.3", "outcome_of");
  return outcome;
}

// The children are a tuple or a vector of futures, and so are their results.

template <class... F, class Each>
auto for_each_child(const std::tuple<F...>& children, Each each) {
  // Braces, for they are gone through from the first to the last.
  return std::apply([&](const F&... child) { return std::tuple<decltype(each(child))...>{each(child)...}; },
                    children);
}
template <class F, class Each>
auto for_each_child(const std::vector<F>& children, Each each) {
  std::vector<decltype(each(children.front()))> results;
  results.reserve(children.size());
  for (const F& child : children) results.push_back(each(child));
  return results;
}

/// Gathers children, each of whose results is `each(child)`.
template <class Children, class Each>
auto gather_children(EventLoop& loop, GatherOptions options, const Children& children, Each each) {
  using Result = decltype(for_each_child(children, each));
  const auto state =
      loop.nodes().make<GatherState<Result>>(loop.use_service<TaskRegistry>(), options.return_exceptions,
                                             [=] { return for_each_child(children, each); });
  Future<Result> all(state);
  for_each_child(children, [&](const auto& child) {
    state->add(child);
    return 0;
  });
  state->start();
  return all;
}

/// The loop of the first of `awaitables` that is a future; the running one if none is.
template <class... A>
EventLoop& loop_of(const A&... awaitables) {
  EventLoop* loop = nullptr;
  (..., [&] {
    if constexpr (IsFuture<A>)
      if (!loop) loop = &awaitables.get_loop();
  }());
  return loop ? *loop : get_running_loop();
}

/// A future of A: the Task, or Future, that ensure_future() makes of it.
template <class A>
using FutureOf = decltype(ensure_future(std::declval<A>(), std::declval<EventLoop&>()));

template <class R>
concept RangeOfAwaitables = std::ranges::input_range<R> && !Awaitable<R>;

/// The futures of a range of awaitables, in order.
template <std::ranges::input_range R>
auto futures_of(R&& awaitables) {
  // What a view shows belongs to somebody else.
  using A = std::conditional_t<std::is_lvalue_reference_v<R> || std::ranges::view<std::remove_cvref_t<R>>,
                               std::ranges::range_reference_t<R>, std::ranges::range_rvalue_reference_t<R>>;
  static_assert(Awaitable<A>,
                "the items of the range cannot be awaited; Coros can once: give the range as "
                "std::move(range)");
  std::vector<FutureOf<A>> futures;
  if constexpr (std::ranges::sized_range<R>) futures.reserve(std::ranges::size(awaitables));
  for (auto&& awaitable : awaitables) {
    EventLoop& loop = futures.empty() ? loop_of(awaitable) : futures.front().get_loop();
    futures.push_back(ensure_future(static_cast<A&&>(awaitable), loop));
  }
  return futures;
}

}  // namespace detail

/// Runs all of `awaitables` at the same time: Coros as tasks, which begin in the next pass.
///
/// `co_await gather(…)` gives a std::tuple of their results, in the order of the arguments; a std::monostate
/// for void. What one throws comes out at once, and the others run on. If the gather is cancelled, all of
/// them are, and it ends with the first that is. Python: `asyncio.gather`.
/// @throws std::invalid_argument if futures of different loops are among them
template <Awaitable... A>
auto gather(A&&... awaitables) {
  EventLoop& loop = detail::loop_of(awaitables...);
  const std::tuple<detail::FutureOf<A>...> children{ensure_future(std::forward<A>(awaitables), loop)...};
  return detail::gather_children(loop, {}, children,
                                 [](const auto& child) { return detail::result_of(child); });
}

/// As gather(awaitables...), but each result is an Outcome. With `{.return_exceptions = true}` nothing is
/// thrown when a child fails: an Outcome may be an exception. If the gather is cancelled, that is thrown,
/// when all children have ended.
template <Awaitable... A>
auto gather(GatherOptions options, A&&... awaitables) {
  EventLoop& loop = detail::loop_of(awaitables...);
  const std::tuple<detail::FutureOf<A>...> children{ensure_future(std::forward<A>(awaitables), loop)...};
  return detail::gather_children(loop, options, children,
                                 [](const auto& child) { return detail::outcome_of(child); });
}

/// As gather(awaitables...), of a range: `co_await gather(range)` gives a std::vector of the results.
template <detail::RangeOfAwaitables R>
auto gather(R&& awaitables) {
  const auto children = detail::futures_of(std::forward<R>(awaitables));
  EventLoop& loop = children.empty() ? get_running_loop() : children.front().get_loop();
  return detail::gather_children(loop, {}, children,
                                 [](const auto& child) { return detail::result_of(child); });
}

/// As gather(options, awaitables...), of a range: a std::vector of Outcomes.
template <detail::RangeOfAwaitables R>
auto gather(R&& awaitables, GatherOptions options) {
  const auto children = detail::futures_of(std::forward<R>(awaitables));
  EventLoop& loop = children.empty() ? get_running_loop() : children.front().get_loop();
  return detail::gather_children(loop, options, children,
                                 [](const auto& child) { return detail::outcome_of(child); });
}

}  // namespace asyncio
