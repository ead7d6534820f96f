#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <utility>

#include "deadline.hpp"
#include "errors.hpp"
#include "input_range.hpp"
#include "promise.hpp"
#include "shared_state.hpp"
#include "todo.hpp"
#include "wait.hpp"

namespace concurrent {

/// Options of as_completed(). Python: the keyword argument of `as_completed`.
struct AsCompletedOptions {
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;  ///< for the whole iteration, from the call
};

namespace detail {

/// The futures that as_completed() has not given yet. It may be destroyed at any time.
template <class T>
class Completions {
 public:
  template <std::ranges::input_range Futures>
  Completions(Futures&& futures, Deadline deadline) : deadline_(deadline) {
    // <exercise 7.1 Completions::Completions>
    for (const Future<T>& future : distinct(std::forward<Futures>(futures)))
      nodes_.emplace_back(queue_, future.shared_state());
    left_ = nodes_.size();
    // </exercise>
  }

  /// Returns the next future that is done, and keeps no handle to it; nothing when all have been given.
  /// @throws TimeoutError, "2 (of 4) futures unfinished", if the time is up: that many of that many are left
  std::optional<Future<T>> next() {
    // <exercise 7.1 Completions::next>
    if (left_ == 0) return std::nullopt;
    WaitNode* node = queue_.next(deadline_);
    if (!node)
      throw TimeoutError(std::to_string(left_) + " (of " + std::to_string(nodes_.size()) +
                         ") futures unfinished");
    --left_;
    return Future<T>(std::static_pointer_cast<State<T>>(node->release()));
    // </exercise>
  }

 private:
  const Deadline deadline_;
  // <exercise 7.1 members Completions>
  CompletionQueue queue_;
  std::deque<WaitNode> nodes_;
  std::size_t left_ = 0;
  // </exercise>
};

}  // namespace detail

/// Gives the futures of a range as they become done, those first that are done already; each once.
/// To be read by one thread. The loop throws TimeoutError when the time is up before all are done.
/// Python: `concurrent.futures.as_completed`.
template <std::ranges::input_range Futures, class T = typename detail::FutureIn<Futures>::value_type>
InputRange<Future<T>> as_completed(Futures&& futures, AsCompletedOptions options = {}) {
  auto completions = std::make_unique<detail::Completions<T>>(std::forward<Futures>(futures),
                                                              deadline_after(options.timeout));
  return InputRange<Future<T>>([completions = std::move(completions)] { return completions->next(); });
}

}  // namespace concurrent
