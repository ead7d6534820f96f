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

/// The future of a shield. It ends as another does, the inner one, unless it is cancelled before.
template <class T>
class ShieldState final : public FutureCell<T> {
 public:
  using FutureCell<T>::FutureCell;

  /// Begins to watch `inner`, which is pending.
  void watch(Future<T> inner) {
    // <exercise 2.1 ShieldState::watch>
    inner_ = &inner.state();
    callback_ = inner.add_done_callback(Link(Ref(*this)));
    // </exercise>
  }

  /// Cancels this, and leaves the inner one alone. @returns false if it is done already
  bool request_cancel() override {
    // <exercise 2.1 ShieldState::request_cancel>
    const bool cancelled = FutureCell<T>::request_cancel();
    if (cancelled && inner_) inner_->remove_waiter(*callback_.node());
    return cancelled;
    // </exercise>
  }

  void destroy() noexcept override {
    this->report_unless_retrieved("Future exception was never retrieved");
    std::destroy_at(this);
  }

 private:
  // <exercise 2.1 members ShieldState>
  /// The inner one is done.
  void inner_done(Future<T> inner) {
    // Somebody has cancelled this. So nobody has looked at what inner ends with, and we do not either: only
    // so an error of it is reported.
    if (this->done()) return;
    Future<T> outer(Ref<FutureBase>(*this));
    if (inner.cancelled())
      outer.cancel();
    else
      hand_on(std::move(inner), outer);
  }

  /// The callback of the inner future, which keeps this alive. When it goes, there is nothing any more that
  /// could be taken back.
  class Link {
   public:
    explicit Link(Ref<ShieldState> outer) noexcept : outer_(std::move(outer)) {}
    Link(Link&&) noexcept = default;
    ~Link() {
      if (outer_) outer_->inner_ = nullptr;
    }

    void operator()(Future<T> inner) const { outer_->inner_done(std::move(inner)); }

   private:
    Ref<ShieldState> outer_;
  };

  FutureBase* inner_ = nullptr;  // as long as the callback is there
  Handle callback_;
  // </exercise>
};

/// Returns a new future of the loop of `inner`, which is pending: a shield that watches it.
template <class T>
Future<T> new_shield(Future<T> inner) {
  EventLoop& loop = inner.get_loop();
  auto outer = loop.nodes().make<ShieldState<T>>(loop.use_service<TaskRegistry>());
  outer->watch(std::move(inner));
  return Future<T>(std::move(outer));
}

/// A future of what `inner` ends with, whose cancellation stops there.
template <class T>
Future<T> shield_future(Future<T> inner) {
  // <exercise 2.1 shield_future>
  if (inner.done()) return inner;
  return new_shield(std::move(inner));
  // </exercise>
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
