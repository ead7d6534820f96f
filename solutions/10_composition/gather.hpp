#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "awaitables.hpp"
#include "child_result.hpp"
#include "join_state.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio {

/// How gather() takes exceptions. Python: the keyword argument of `gather`.
struct GatherOptions {
  bool return_exceptions = false;  ///< an exception is a result like any other, and so is a cancellation
};

namespace detail {

/// The future of several others, its children, which run whether it is there or not.
class GatherState : public JoinState {
 public:
  /// @param collect ends it with the results of its children, when all are done
  GatherState(TaskRegistry& tasks, GatherOptions options, void (*collect)(GatherState&))
      : JoinState(tasks), options_(options), collect_(collect) {}

  /// Listens to the children that are not done. If all are, or there are none, it is done at once.
  void start(std::span<Child> children, std::span<AnyFuture> futures) {
    left_ = futures.size();
    if (listen(children, futures) || futures.empty()) run();
  }

  [[nodiscard]] std::size_t size() const noexcept { return children().size(); }
  /// Returns the first child, at the next call the next one. For collect().
  FutureBase& next_child() noexcept { return children()[next_++].state(); }

  /// Cancels all children. What becomes of them ends this.
  bool request_cancel() override {
    retrieved();
    if (done() || left_ == 0) return false;
    cancel_requested_ = true;
    cancel_children();
    return true;
  }

 protected:
  ~GatherState() = default;

 private:
  /// A child is done; it tells this at once, in the middle of its own end, where nobody may notice anything
  /// of it. @returns true if run() is to follow, once, in a turn of the loop
  bool child_done(FutureBase& child) noexcept override {
    // <exercise 8.1 GatherState::child_done>
    --left_;
    child.retrieved();
    if (done() || failed_) return false;
    if (!options_.return_exceptions && (child.state() == State::cancelled || child.error())) {
      failed_ = &child;
      return true;
    }
    return left_ == 0;
  }

  /// A child has failed, or all are done: so is this.
  void run() override {
    if (done()) return;
    if (failed_ && failed_->error())
      set_exception(failed_->error());
    else if (failed_ || cancel_requested_)
      set_exception(std::make_exception_ptr(CancelledError()));
    else
      collect();
    // </exercise>
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
        gather->children()[gather->cancelled_++].state().request_cancel();
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
    const TaskBase* const child = children()[cancelled_ - 1].state().task();
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
  std::size_t left_ = 0;          // children that are not done
  FutureBase* failed_ = nullptr;  // the first child that did
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

/// The children of a gather: in an array if it is known how many they are, otherwise in a vector.
template <class Children>
Children make_children([[maybe_unused]] std::size_t count) {
  if constexpr (std::is_constructible_v<Children, std::size_t>)
    return Children(count);
  else
    return {};
}

/// A GatherState with its results and its `Children`, an array of them: all in one block, if there are few.
template <class Results, class Children>
class GatherCell final : public FutureCell<Results, GatherState> {
 public:
  GatherCell(TaskRegistry& tasks, GatherOptions options, std::size_t count, void (*collect)(GatherState&))
      : FutureCell<Results, GatherState>(tasks, options, collect),
        children_(make_children<Children>(count)) {}

  void start(std::span<AnyFuture> futures) { GatherState::start(children_, futures); }

  void destroy() noexcept override {
    this->report_unless_retrieved("Future exception was never retrieved");
    std::destroy_at(this);
  }

 private:
  Children children_;
};

/// Gathers futures, with a function that collects their results.
template <class Results, class Children>
Future<Results> gather_children(EventLoop& loop, GatherOptions options, std::span<AnyFuture> futures,
                                void (*collect)(GatherState&)) {
  auto cell = loop.nodes().make<GatherCell<Results, Children>>(loop.use_service<TaskRegistry>(), options,
                                                               futures.size(), collect);
  cell->start(futures);
  return Future<Results>(std::move(cell));
}

/// Gathers awaitables into a tuple.
template <auto... results, class... A>
auto gather_tuple(GatherOptions options, A&&... awaitables) {
  EventLoop& loop = loop_of(awaitables...);
  std::array<AnyFuture, sizeof...(A)> futures{ensure_future(std::forward<A>(awaitables), loop)...};
  using Results = std::tuple<ResultOf<results>...>;
  using Children = std::array<JoinState::Child, sizeof...(A)>;
  return gather_children<Results, Children>(loop, options, futures, collect_tuple<results...>);
}

/// Gathers a range of awaitables into a vector.
template <auto result, class R>
auto gather_vector(GatherOptions options, R&& awaitables) {
  std::vector<AnyFuture> futures = futures_of(std::forward<R>(awaitables));
  EventLoop& loop = futures.empty() ? get_running_loop() : futures.front().get_loop();
  using Results = std::vector<ResultOf<result>>;
  using Children = std::vector<JoinState::Child>;
  return gather_children<Results, Children>(loop, options, futures, collect_vector<result>);
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
