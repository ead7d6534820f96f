#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "awaitable.hpp"
#include "cancelled_error.hpp"
#include "done_listener.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio {

namespace detail {

/// A future that watches another, the inner one: when that is done, `fn(outer, inner)` is called in the loop,
/// in the turn of a callback of the inner one. That callback keeps this alive; when this is cancelled, the
/// callback is taken back, and the inner one is left alone.
template <class T, class F>
class WatchingState final : public FutureCell<T> {
 public:
  WatchingState(TaskRegistry& tasks, F fn) : FutureCell<T>(tasks), fn_(std::move(fn)) {}

  void watch(Future<T> inner) {
    inner_ = &inner.state();
    callback_ = inner.add_done_callback(Link(Ref(*this)));
  }

  bool request_cancel() override {
    const bool cancelled = FutureCell<T>::request_cancel();
    if (cancelled && inner_) inner_->remove_waiter(*callback_.node());
    return cancelled;
  }

  void destroy() noexcept override {
    this->report_unless_retrieved("Future exception was never retrieved");
    std::destroy_at(this);
  }

 private:
  /// The callback of the inner future. When it goes, there is nothing any more that could be taken back.
  class Link {
   public:
    explicit Link(Ref<WatchingState> outer) noexcept : outer_(std::move(outer)) {}
    Link(Link&&) noexcept = default;
    ~Link() {
      if (outer_) outer_->inner_ = nullptr;
    }

    void operator()(Future<T> inner) const {
      outer_->fn_(Future<T>(Ref<FutureBase>(*outer_)), std::move(inner));
    }

   private:
    Ref<WatchingState> outer_;
  };

  F fn_;
  FutureBase* inner_ = nullptr;  // as long as the callback is there
  Handle callback_;
};

/// Returns a new future of the loop of `inner`, which is pending. When that is done, `fn(outer, inner)` is
/// called with both. To cancel the new one ends it, and does nothing to `inner`; fn is mostly not called
/// then.
template <class T, class F>
Future<T> watching(Future<T> inner, F fn) {
  EventLoop& loop = inner.get_loop();
  auto outer = loop.nodes().make<WatchingState<T, F>>(loop.use_service<TaskRegistry>(), std::move(fn));
  outer->watch(std::move(inner));
  return Future<T>(std::move(outer));
}

/// A future of what `inner` ends with, whose cancellation stops there.
template <class T>
Future<T> shield_future(Future<T> inner) {
  todo("2.1", "shield_future");
}

}  // namespace detail

/// Awaits `awaitable`, and does not cancel it when whoever awaits this is cancelled: it runs on. Its own
/// cancellation is passed on. Python: `asyncio.shield`.
/// @returns a Future of its result
template <class A>
auto shield(A&& awaitable) {
  if constexpr (detail::can_be_awaited<A>())
    return detail::shield_future(ensure_future(std::forward<A>(awaitable)));
}

}  // namespace asyncio
