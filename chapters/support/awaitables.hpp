#pragma once

#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "task.hpp"

namespace asyncio::detail {

/// The loop of an awaitable that is a future; null if it is none.
template <class A>
EventLoop* loop_of_future(const A& awaitable) {
  if constexpr (IsFuture<A>)
    return &awaitable.get_loop();
  else
    return nullptr;
}

/// The loop of the first of `awaitables` that is a future; the running one if none is.
template <class... A>
EventLoop& loop_of(const A&... awaitables) {
  EventLoop* loop = nullptr;
  (..., (loop = loop ? loop : loop_of_future(awaitables)));
  return loop ? *loop : get_running_loop();
}

/// A future of A: the Task, or Future, that ensure_future() makes of it.
template <class A>
using FutureOf = decltype(ensure_future(std::declval<A>(), std::declval<EventLoop&>()));

template <class R>
concept RangeOfAwaitables = std::ranges::input_range<R> && !Awaitable<R>;

/// An item of a range of awaitables. What a view shows belongs to somebody else.
template <class R>
using ItemOf =
    std::conditional_t<std::is_lvalue_reference_v<R> || std::ranges::view<std::remove_cvref_t<R>>,
                       std::ranges::range_reference_t<R>, std::ranges::range_rvalue_reference_t<R>>;

/// The type that a future of an A gives.
template <class A>
using ValueOf = typename FutureOf<A>::value_type;

/// The type that a future of an item of a range gives, in a std::type_identity.
template <class R>
auto item_value() {
  static_assert(Awaitable<ItemOf<R>>,
                "the items of the range cannot be awaited; Coros can once: give the range as "
                "std::move(range)");
  return std::type_identity<ValueOf<ItemOf<R>>>();
}
template <class R>
using ItemValueOf = typename decltype(item_value<R>())::type;

/// The futures of a range of awaitables, in order.
template <std::ranges::input_range R>
std::vector<AnyFuture> futures_of(R&& awaitables) {
  std::vector<AnyFuture> futures;
  if constexpr (std::ranges::sized_range<R>) futures.reserve(std::ranges::size(awaitables));
  for (auto&& awaitable : awaitables) {
    EventLoop& loop = futures.empty() ? loop_of(awaitable) : futures.front().get_loop();
    futures.push_back(ensure_future(static_cast<ItemOf<R>&&>(awaitable), loop));
  }
  return futures;
}

}  // namespace asyncio::detail
