#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "awaitables.hpp"
#include "child_result.hpp"
#include "done_listener.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio {

/// How gather() takes exceptions. Python: the keyword argument of `gather`.
struct GatherOptions {
  bool return_exceptions = false;  ///< an exception is a result like any other, and so is a cancellation
};

namespace detail {

/// The future of several others, its children, which run whether it is there or not.
class GatherState : public FutureBase {
 public:
  /// @param collect ends it with the results of its children, when all are done
  GatherState(TaskRegistry& tasks, GatherOptions options, void (*collect)(GatherState&))
      : FutureBase(tasks), options_(options), collect_(collect) {}

  [[nodiscard]] std::size_t size() const noexcept { return children_.size(); }
  /// Returns the first child, at the next call the next one. For collect().
  FutureBase& next_child() noexcept { return state_of(next_++); }

  /// Cancels all children. What becomes of them ends this.
  bool request_cancel() override {
    retrieved();
    if (done() || std::ranges::all_of(children_, [](auto& child) { return child.future().done(); }))
      return false;
    cancel_requested_ = true;
    cancel_children();
    return true;
  }

  /// Begins to watch its children, `futures`. If it has none, or all are done,
  /// it is done at once.
  void start(std::span<AnyFuture> futures) {
    // <exercise 1.1 GatherState::start>
    children_.reserve(futures.size());
    for (AnyFuture& future : futures) {
      if (future.done())
        children_.emplace_back(std::move(future));
      else
        children_.emplace_back(std::move(future),
                               [this](const AnyFuture& child) { child_done(child.state()); });
    }
    left_ = futures.size();
    for (std::size_t i = 0; i < children_.size(); ++i)
      if (FutureBase& child = state_of(i); child.done()) child_done(child);
    if (left_ == 0) end();
  }

 private:
  void child_done(FutureBase& child) {
    child.retrieved();  // also if the gather has failed before: one error is thrown, and the others are no
                        // news
    if (!failed_ && !options_.return_exceptions && (child.state() == State::cancelled || child.error()))
      failed_ = &child;
    if (--left_ == 0 || failed_) end();
  }

  void end() {
    if (done()) return;
    if (failed_ && failed_->error())
      set_exception(failed_->error());
    else if (failed_ || cancel_requested_)
      set_exception(std::make_exception_ptr(CancelledError()));
    else
      collect();
    // </exercise>
  }

 protected:
  ~GatherState() = default;

 private:
  // A suggestion, from here on, but for cancel_children(), which is worth reading when you are done.

  [[nodiscard]] FutureBase& state_of(std::size_t child) const noexcept {
    return children_[child].future().state();
  }

  /// Cancels the children, one after another, and those of a gather among them before the next. However deep
  /// gathers are nested, that takes no stack: one that is reached while another is at it becomes the next to
  /// go on with.
  void cancel_children() noexcept {
    if (cancelling_) return leave_circle();
    cancelling_ = true;
    cancelled_ = 0;
    ref();
    outer_ = std::exchange(innermost_, this);
    if (outer_) return;
    while (GatherState* const gather = innermost_) {
      if (gather->cancelled_ < gather->size()) {
        gather->state_of(gather->cancelled_++).request_cancel();
      } else {
        innermost_ = gather->outer_;
        gather->cancelling_ = false;
        gather->unref();
      }
    }
  }

  /// A child waits for this, so neither could ever be done. It is now, and the loop's exception handler is
  /// told.
  void leave_circle() noexcept {
    const TaskBase* const child = state_of(cancelled_ - 1).task();
    set_exception(std::make_exception_ptr(CancelledError()));
    tasks().report(
        "A gather waits for itself",
        std::make_exception_ptr(std::runtime_error("through its child " + (child ? child->name() : ""))));
  }

  /// Ends this with the results of the children, all of which are done.
  void collect() {
    try {
      collect_(*this);
    } catch (...) {
      set_exception(std::current_exception());
    }
  }

  const GatherOptions options_;
  bool cancel_requested_ = false;
  void (*const collect_)(GatherState&);
  std::vector<DoneListener> children_;
  // <exercise 1.1 members GatherState>
  std::size_t left_ = 0;          // children that it has not heard of
  FutureBase* failed_ = nullptr;  // the first child that did
  // </exercise>
  std::size_t next_ = 0;
  std::size_t cancelled_ = 0;     // so many of the children
  bool cancelling_ = false;       // it is one of those that cancel_children()
  GatherState* outer_ = nullptr;  // the one whose turn it is after this, of those
  static inline thread_local constinit GatherState* innermost_ = nullptr;
};

// The results of the children, each of which is what `result(child)` returns, are a tuple or a vector.

template <auto result>
using ResultOf = decltype(result(std::declval<FutureBase&>()));

template <auto... results>
void collect_tuple(GatherState& all) {
  // Braces, for they are gone through from the first to the last.
  all.set_result<std::tuple<ResultOf<results>...>>(
      std::tuple<ResultOf<results>...>{results(all.next_child())...});
}

template <auto result>
void collect_vector(GatherState& all) {
  std::vector<ResultOf<result>> results;
  results.reserve(all.size());
  while (results.size() < all.size()) results.push_back(result(all.next_child()));
  all.set_result<std::vector<ResultOf<result>>>(std::move(results));
}

/// A GatherState with its results.
template <class Results>
class GatherCell final : public FutureCell<Results, GatherState> {
 public:
  using FutureCell<Results, GatherState>::FutureCell;

  void destroy() noexcept override {
    this->report_unless_retrieved("Future exception was never retrieved");
    std::destroy_at(this);
  }
};

/// Gathers futures, with a function that collects their results.
template <class Results>
Future<Results> gather_children(EventLoop& loop, GatherOptions options, std::span<AnyFuture> futures,
                                void (*collect)(GatherState&)) {
  auto cell = loop.nodes().make<GatherCell<Results>>(loop.use_service<TaskRegistry>(), options, collect);
  cell->start(futures);
  return Future<Results>(std::move(cell));
}

/// Gathers awaitables into a tuple.
template <auto... results, class... A>
auto gather_tuple(GatherOptions options, A&&... awaitables) {
  EventLoop& loop = loop_of(awaitables...);
  std::array<AnyFuture, sizeof...(A)> futures{ensure_future(std::forward<A>(awaitables), loop)...};
  using Results = std::tuple<ResultOf<results>...>;
  return gather_children<Results>(loop, options, futures, collect_tuple<results...>);
}

/// Gathers a range of awaitables into a vector.
template <auto result, class R>
auto gather_vector(GatherOptions options, R&& awaitables) {
  std::vector<AnyFuture> futures = futures_of(std::forward<R>(awaitables));
  EventLoop& loop = futures.empty() ? get_running_loop() : futures.front().get_loop();
  using Results = std::vector<ResultOf<result>>;
  return gather_children<Results>(loop, options, futures, collect_vector<result>);
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
  return detail::gather_tuple<detail::result_of<detail::ValueOf<A>>...>({}, std::forward<A>(awaitables)...);
}

/// Gathers as gather(awaitables...), but each result is an Outcome. With `{.return_exceptions = true}`
/// nothing is thrown when a child fails: an Outcome may be an exception. If the gather is cancelled, that is
/// thrown, when all children have ended.
template <Awaitable... A>
auto gather(GatherOptions options, A&&... awaitables) {
  return detail::gather_tuple<detail::outcome_of<detail::ValueOf<A>>...>(options,
                                                                         std::forward<A>(awaitables)...);
}

/// Says what is wrong with what cannot be gathered.
template <class... A>
requires(!(Awaitable<A> && ...) && !(sizeof...(A) <= 2 && (detail::RangeOfAwaitables<A> || ...)) &&
         !(std::same_as<std::remove_cvref_t<A>, GatherOptions> || ...)) auto gather(A&&...) {
  static_cast<void>((detail::can_be_awaited<A>() && ...));
}

/// Gathers a range: `co_await gather(range)` gives a std::vector of the results.
template <detail::RangeOfAwaitables R>
auto gather(R&& awaitables) {
  using T = detail::ItemValueOf<R>;
  return detail::gather_vector<detail::result_of<T>>({}, std::forward<R>(awaitables));
}

/// Gathers a range with options: `co_await gather(range, options)` gives a std::vector of Outcomes.
template <detail::RangeOfAwaitables R>
auto gather(R&& awaitables, GatherOptions options) {
  using T = detail::ItemValueOf<R>;
  return detail::gather_vector<detail::outcome_of<T>>(options, std::forward<R>(awaitables));
}

}  // namespace asyncio
