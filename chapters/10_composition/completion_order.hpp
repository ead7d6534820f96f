#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "done_listener.hpp"
#include "task.hpp"
#include "todo.hpp"
#include "waiting.hpp"

namespace asyncio {

/// How long as_completed() goes on. Python: its keyword argument.
struct AsCompletedOptions {
  std::optional<concurrent::AnyDuration> timeout = std::nullopt;  ///< for all of them, from the call
};

namespace detail {

/// The futures of as_completed(), in the order in which they are done.
template <class F>
class Completions {
 public:
  Completions(std::vector<F> futures, std::optional<concurrent::AnyDuration> timeout)
      : loop_(futures.empty() ? get_running_loop() : futures.front().get_loop()),
        left_(futures.size()),
        timer_(timeout ? loop_.call_later(*timeout, [this] { expire(); }) : TimerHandle()) {
    listeners_.reserve(futures.size());
    for (const F& future : futures)
      listeners_.emplace_back(future, [this, future](const AnyFuture&) { add(future); });
  }

  /// Waits for the next that is done. @throws TimeoutError if the time is over, and none is left that was in
  /// time
  Coro<F> next() {
    todo("5.2", "Completions::next");
  }

  /// How many have been promised to nobody yet.
  [[nodiscard]] std::size_t left() const noexcept { return left_; }
  /// One of them is promised.
  void promise_one() noexcept { --left_; }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only as_completed().

  /// One of them is done, in time.
  void add(const F& future) {
    todo("5.2", "Completions::add");
  }

  /// The time is over.
  void expire() {
    todo("5.2", "Completions::expire");
  }

  EventLoop& loop_;
  std::size_t left_;

  // For 5.2: members of Completions.

  const CancelAtEnd timer_;
  std::vector<DoneListener> listeners_;
};

template <class F>
Coro<std::optional<F>> next_of(std::shared_ptr<Completions<F>> completions) {
  if (completions->left() == 0) co_return std::nullopt;
  completions->promise_one();
  co_return co_await completions->next();
}

template <class F>
Coro<typename F::value_type> next_result_of(std::shared_ptr<Completions<F>> completions) {
  F future = co_await completions->next();
  co_return co_await std::move(future);
}

}  // namespace detail

/// The result of as_completed(): a range of Coros, each of which gives the result of the next future that is
/// done:
///
///     for (auto next : as_completed(tasks)) use(co_await std::move(next));
///
/// or, to know which future it is:
///
///     auto completed = as_completed(tasks);
///     while (auto task = co_await completed.next()) use(*task);
template <class F>
class AsCompleted {
 public:
  AsCompleted(std::vector<F> futures, std::optional<concurrent::AnyDuration> timeout)
      : completions_(std::make_shared<detail::Completions<F>>(std::move(futures), timeout)) {}

  /// The next future that is done; nothing when all have been given.
  /// @throws TimeoutError if the time is over before that
  Coro<std::optional<F>> next() { return detail::next_of(completions_); }

  class Iterator {
   public:
    using value_type = Coro<typename F::value_type>;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit Iterator(std::shared_ptr<detail::Completions<F>> completions)
        : completions_(std::move(completions)) {}

    /// A Coro that gives the result of the next future that is done, or throws what it ended with. It counts
    /// as given, so that a loop that is left early can be gone on with.
    value_type operator*() const {
      completions_->promise_one();
      return detail::next_result_of(completions_);
    }
    Iterator& operator++() noexcept { return *this; }
    void operator++(int) noexcept {}
    bool operator==(std::default_sentinel_t) const noexcept { return completions_->left() == 0; }

   private:
    std::shared_ptr<detail::Completions<F>> completions_;
  };

  Iterator begin() const { return Iterator(completions_); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::shared_ptr<detail::Completions<F>> completions_;
};

/// Gives the results of futures and tasks of a range in the order in which they come. When the time is over,
/// what is not done is not cancelled, and a TimeoutError stands for it. Python: `asyncio.as_completed`.
template <std::ranges::input_range R>
auto as_completed(R&& futures, AsCompletedOptions options = {}) {
  auto distinct = detail::distinct_futures(std::forward<R>(futures));
  using F = std::ranges::range_value_t<R>;
  return AsCompleted<F>(std::move(distinct), options.timeout);
}

}  // namespace asyncio
