#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "deadline.hpp"
#include "executor_base.hpp"
#include "input_range.hpp"
#include "promise.hpp"
#include "submit.hpp"

namespace concurrent {

namespace detail {

/// Submits one call after another. @returns no future when a range has ended
template <class T>
using SubmitNext = std::move_only_function<std::optional<Future<T>>()>;

template <class T>
struct Buffer {
  ~Buffer() {
    for (auto& future : futures)
      if (cancels) future.cancel();
  }
  void fill() {
    while (!ended && futures.size() < most) {
      auto future = submit_next();
      if (future)
        futures.push_back(*std::move(future));
      else
        ended = true;
    }
  }
  SubmitNext<T> submit_next;
  std::size_t most = 0;
  std::deque<Future<T>> futures;
  bool ended = false;
  bool cancels = true;
};

template <class T>
using MapValue = std::conditional_t<std::is_void_v<T>, std::monostate, std::decay_t<T>>;

}  // namespace detail

template <class Pool, class F, class... Items>
auto map_on(Pool& executor, F fn, MapOptions options, Items&&... items) {
  using T = CallResult<F, std::ranges::range_reference_t<std::views::all_t<Items>>...>;
  using Value = detail::MapValue<T>;
  const Deadline deadline = deadline_after(options.timeout);
  if (options.buffersize && *options.buffersize == 0) throw std::invalid_argument("map: a buffersize of 0");

  auto buffer = std::make_unique<detail::Buffer<T>>();
  if (options.buffersize) {
    buffer->most = *options.buffersize;
  } else {
    buffer->most = ~std::size_t{0};
  }
  // The ranges must not move once there are iterators into them.
  auto ranges = std::make_unique<std::tuple<std::views::all_t<Items>...>>(
      std::views::all(std::forward<Items>(items))...);
  auto places = std::apply([](auto&... range) { return std::tuple(std::ranges::begin(range)...); }, *ranges);
  buffer->submit_next = [&executor, fn = std::move(fn), ranges = std::move(ranges),
                         places = std::move(places), first = true]() mutable -> std::optional<Future<T>> {
    return [&]<std::size_t... I>(std::index_sequence<I...>)->std::optional<Future<T>> {
      if (!std::exchange(first, false)) (++std::get<I>(places), ...);
      if ((... || (std::get<I>(places) == std::ranges::end(std::get<I>(*ranges))))) return std::nullopt;
      return executor.submit(fn, *std::get<I>(places)...);
    }
    (std::index_sequence_for<Items...>());
  };
  buffer->fill();
  buffer->cancels = false;

  return InputRange<Value>([buffer = std::move(buffer), deadline]() -> std::optional<Value> {
    buffer->cancels = true;
    if (buffer->futures.empty()) return std::nullopt;
    const Future<T> oldest = buffer->futures.front();
    oldest.shared_state()->wait(deadline);
    buffer->futures.pop_front();
    auto& value = oldest.shared_state()->value();
    buffer->fill();
    if constexpr (std::is_reference_v<T>)
      return *value;
    else
      return std::move(value);
  });
}

}  // namespace concurrent
