#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <ranges>
#include <unordered_set>
#include <utility>
#include <vector>

#include "any_duration.hpp"
#include "deadline.hpp"
#include "promise.hpp"
#include "shared_state.hpp"
#include "todo.hpp"

namespace concurrent {

/// The condition on which wait() returns. Python: `FIRST_COMPLETED`, `FIRST_EXCEPTION`, `ALL_COMPLETED`.
enum class ReturnWhen {
  first_completed,  ///< one future is done
  first_exception,  ///< one future finished with an exception, or all are done; a cancelled one does not
                    ///< count
  all_completed,    ///< all futures are done
};

/// Options of wait(). Python: the keyword arguments of `wait`.
struct WaitOptions {
  ReturnWhen return_when = ReturnWhen::all_completed;
  std::optional<AnyDuration> timeout = std::nullopt;  ///< none: as long as it takes; 0: do not wait
};

/// The result of wait(): each future once, in the order in which they were given.
template <class T>
struct DoneAndNotDoneFutures {
  std::vector<Future<T>> done;
  std::vector<Future<T>> not_done;
};

namespace detail {

/// The type of the futures in a range.
template <std::ranges::input_range Futures>
using FutureIn = std::ranges::range_value_t<Futures>;

/// Returns the futures of a range, each once, in order.
template <std::ranges::input_range Futures>
std::vector<FutureIn<Futures>> distinct(Futures&& futures) {
  std::vector<FutureIn<Futures>> once;
  std::unordered_set<FutureIn<Futures>> seen;
  for (auto&& future : futures)
    if (seen.insert(future).second) once.push_back(future);
  return once;
}

}  // namespace detail

/// Waits until the futures of a range are done as `return_when` says, or the time is up: that is no error.
/// They may come from different executors. A cancelled future is done. Python: `concurrent.futures.wait`.
template <std::ranges::input_range Futures, class T = typename detail::FutureIn<Futures>::value_type>
DoneAndNotDoneFutures<T> wait(Futures&& futures, WaitOptions options = {}) {
  const std::vector<Future<T>> distinct = detail::distinct(std::forward<Futures>(futures));
  // <exercise 6.2 wait>
  const Deadline deadline = deadline_after(options.timeout);
  detail::CompletionQueue queue;
  std::deque<detail::WaitNode> nodes;
  for (const Future<T>& future : distinct) nodes.emplace_back(queue, future.shared_state());
  for (std::size_t left = distinct.size(); left > 0; --left) {
    const detail::WaitNode* node = queue.next(deadline);
    if (!node) break;
    if (options.return_when == ReturnWhen::first_completed) break;
    const detail::SharedState& state = *node->state();
    if (options.return_when == ReturnWhen::first_exception && state.state() == FutureState::finished &&
        state.error())
      break;
  }
  // </exercise>
  DoneAndNotDoneFutures<T> result;
  for (const Future<T>& future : distinct) (future.done() ? result.done : result.not_done).push_back(future);
  return result;
}

}  // namespace concurrent
