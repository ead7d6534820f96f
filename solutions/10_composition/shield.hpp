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

/// The future that shield() gives for another, the inner one. The inner one's callback keeps it alive; when
/// it is cancelled, that callback is taken back.
template <class T>
class ShieldState final : public FutureCell<T> {
 public:
  using FutureCell<T>::FutureCell;

  void listen(Future<T> inner) {
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
    explicit Link(Ref<ShieldState> outer) noexcept : outer_(std::move(outer)) {}
    Link(Link&&) noexcept = default;
    ~Link() {
      if (outer_) outer_->inner_ = nullptr;
    }

    void operator()(Future<T> inner) const { outer_->end(std::move(inner)); }

   private:
    Ref<ShieldState> outer_;
  };

  /// Ends the outer future as the inner one has ended.
  void end(Future<T> inner) {
    Future<T> outer(Ref<FutureBase>(*this));
    // <exercise 2.1 ShieldState::end> If inner was cancelled(), cancel() outer; if it has an exception(),
    // that is the outer's; otherwise nothing for void, or let set_result_of() end it with inner's result(),
    // of an rvalue. If outer is done() already, nobody has looked at what inner ended with, and you do not
    // either.
    if (outer.done()) return;
    if (inner.cancelled())
      outer.cancel();
    else if (const std::exception_ptr error = inner.exception())
      outer.set_exception(error);
    else if constexpr (std::is_void_v<T>)
      outer.set_result();
    else
      set_result_of(outer, [&]() -> T { return std::move(inner).result(); });
    // </exercise>
  }

  FutureBase* inner_ = nullptr;  // as long as the callback is there
  Handle callback_;
};

/// A future of what `inner` ends with, whose cancellation stops there.
template <class T>
Future<T> shield_future(Future<T> inner) {
  // <exercise 2.2 shield_future> If inner is done(), return it. Otherwise let the nodes() of its loop make a
  // ShieldState, from the TaskRegistry of that loop, which is to listen() to inner. Return a Future of it.
  if (inner.done()) return inner;
  EventLoop& loop = inner.get_loop();
  auto outer = loop.nodes().make<ShieldState<T>>(loop.use_service<TaskRegistry>());
  outer->listen(std::move(inner));
  return Future<T>(std::move(outer));
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
