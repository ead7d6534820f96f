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
    todo("7.1", "Completions::Completions");
  }

  /// Returns the next future that is done, and keeps no handle to it; nothing when all have been given.
  /// @throws TimeoutError, "2 (of 4) futures unfinished", if the time is up: that many of that many are left
  std::optional<Future<T>> next() {
    todo("7.1", "Completions::next");
  }

 private:
  const Deadline deadline_;
  // For 7.1: members of Completions.
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
