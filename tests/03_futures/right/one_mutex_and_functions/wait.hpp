#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "any_duration.hpp"
#include "deadline.hpp"
#include "promise.hpp"
#include "shared_state.hpp"

namespace concurrent {

enum class ReturnWhen { first_completed, first_exception, all_completed };

struct WaitOptions {
  ReturnWhen return_when = ReturnWhen::all_completed;
  std::optional<AnyDuration> timeout = std::nullopt;
};

template <class T>
struct DoneAndNotDoneFutures {
  std::vector<Future<T>> done;
  std::vector<Future<T>> not_done;
};

namespace detail {

template <std::ranges::input_range Futures>
using FutureIn = std::ranges::range_value_t<Futures>;

/// Returns the futures of a range, each once.
template <std::ranges::input_range Futures>
std::vector<FutureIn<Futures>> each_once(Futures&& futures) {
  std::vector<FutureIn<Futures>> found;
  for (auto&& future : futures)
    if (std::ranges::find(found, future) == found.end()) found.push_back(future);
  return found;
}

}  // namespace detail

template <std::ranges::input_range Futures, class T = typename detail::FutureIn<Futures>::value_type>
DoneAndNotDoneFutures<T> wait(Futures&& futures, WaitOptions options = {}) {
  const Deadline deadline = deadline_after(options.timeout);
  const auto all = detail::each_once(std::forward<Futures>(futures));
  {
    detail::Inbox inbox;
    for (const auto& future : all) inbox.add(future.shared_state());
    bool enough = false;
    for (std::size_t came = 0; came < all.size() && !enough; ++came) {
      const auto next = inbox.next(deadline);
      if (!next) break;
      if (options.return_when == ReturnWhen::first_completed) enough = true;
      if (options.return_when == ReturnWhen::first_exception)
        enough = next->state() == FutureState::finished && next->error();
    }
  }
  DoneAndNotDoneFutures<T> result;
  for (const auto& future : all) {
    if (future.done())
      result.done.push_back(future);
    else
      result.not_done.push_back(future);
  }
  return result;
}

}  // namespace concurrent
