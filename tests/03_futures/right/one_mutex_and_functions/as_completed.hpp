#pragma once

#include <chrono>
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
#include "wait.hpp"

namespace concurrent {

struct AsCompletedOptions {
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;
};

template <std::ranges::input_range Futures, class T = typename detail::FutureIn<Futures>::value_type>
InputRange<Future<T>> as_completed(Futures&& futures, AsCompletedOptions options = {}) {
  const Deadline deadline = deadline_after(options.timeout);
  auto inbox = std::make_unique<detail::Inbox>();
  std::size_t count = 0;
  for (const auto& future : detail::each_once(std::forward<Futures>(futures))) {
    inbox->add(future.shared_state());
    ++count;
  }
  return InputRange<Future<T>>(
      [inbox = std::move(inbox), deadline, count, left = count]() mutable -> std::optional<Future<T>> {
        if (left == 0) return {};
        auto next = inbox->next(deadline);
        if (!next)
          throw TimeoutError(std::to_string(left) + " (of " + std::to_string(count) + ") futures unfinished");
        left -= 1;
        return Future<T>(std::static_pointer_cast<detail::State<T>>(std::move(next)));
      });
}

}  // namespace concurrent
