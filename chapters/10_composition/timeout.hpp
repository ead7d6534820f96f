#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "awaitable.hpp"
#include "outcome.hpp"
#include "async_with.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio {

/// A limit for the time that a part of a task takes: timeout() makes it. When the time is over, the task is
/// cancelled; where the part ends, that becomes a TimeoutError. Python: `asyncio.Timeout`.
class Timeout {
 public:
  /// The part begins. The time of a limit of yours, for timeout(), runs from here on, too.
  /// @throws std::runtime_error outside of a task
  explicit Timeout(std::optional<TimePoint> when) : task_(parent()), when_(when) { start(); }
  /// For a limit of yours: so long from now.
  explicit Timeout(concurrent::AnyDuration delay) : Timeout(get_running_loop().after(delay)) {}
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;
  ~Timeout() { timer_.cancel(); }

  /// When the time is over, on the loop's clock; nothing if there is no limit. Python: `timeout.when`.
  [[nodiscard]] std::optional<TimePoint> when() const noexcept { return when_; }

  /// True if the time was over before the part had ended. Python: `timeout.expired`.
  [[nodiscard]] bool expired() const noexcept {
    return state_ == State::expiring || state_ == State::expired;
  }

  /// Sets another limit, or none. Python: `timeout.reschedule`.
  /// @throws std::runtime_error if the time is over, or the part has ended
  void reschedule(std::optional<TimePoint> when) {
    if (state_ != State::active)
      throw std::runtime_error("Cannot change state of " +
                               std::string(state_ == State::expiring  ? "expiring"
                                           : state_ == State::expired ? "expired"
                                                                      : "finished") +
                               " Timeout");
    timer_.cancel();
    when_ = when;
    start();
  }

  /// For timeout_at(): awaits the part that `body` gives, of a new Timeout.
  template <class Body>
  static Coro<detail::ScopeResult<Body, Timeout>> run(std::optional<TimePoint> when, Body body) {
    Timeout limit(when);
    auto outcome = co_await detail::outcome_of_scope(body, limit);
    co_return limit.finish(outcome);
  }

  /// For timeout(): the same, of a Timeout of yours.
  /// @throws std::runtime_error if that has had a part already
  template <class Body>
  static Coro<detail::ScopeResult<Body, Timeout>> run_in(Timeout& limit, Body body) {
    if (std::exchange(limit.has_part_, true)) throw std::runtime_error("Timeout has already been entered");
    auto outcome = co_await detail::outcome_of_scope(body, limit);
    co_return limit.finish(outcome);
  }

  /// The part has ended, with `outcome`, and so does the limit.
  /// @returns what the part returned
  /// @throws TimeoutError if the part ended with a CancelledError because the time was over; otherwise what
  /// the part threw
  template <class T>
  T finish(Outcome<T>& outcome) {
    if (end(detail::is_cancelled(outcome.exception()))) throw TimeoutError("the time is over");
    return outcome.take();
  }

  /// The part has ended, with a CancelledError if it is `cancelled`. So does the limit, and nothing of it is
  /// left.
  /// @returns true if that error is to become a TimeoutError
  bool end(bool cancelled) {
    todo("3.1", "Timeout::end");
  }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  enum class State : std::uint8_t { active, expiring, expired, finished };

  static detail::TaskBase& parent() {
    if (detail::TaskBase* task = detail::TaskBase::current()) return *task;
    throw std::runtime_error("Timeout should be used inside a task");
  }

  /// Calls expire() at that time, or if it is past, soon: the part has begun by then, and is not disturbed
  /// unless it waits.
  void start() {
    if (!when_) return;
    EventLoop& loop = get_running_loop();
    if (*when_ <= loop.time())
      timer_ = loop.call_soon([this] { expire(); });
    else
      timer_ = loop.call_at(*when_, [this] { expire(); });
  }

  /// The time is over: the task is asked to end.
  void expire() {
    state_ = State::expiring;
    task_.request_cancel();
  }

  detail::TaskBase& task_;
  std::optional<TimePoint> when_;
  State state_ = State::active;
  bool has_part_ = false;
  Handle timer_;
  // For 3.1: members of your choice, if you want any.
};

namespace detail {

/// The time counts from the first step.
template <class Body>
Coro<ScopeResult<Body, Timeout>> run_for(std::optional<concurrent::AnyDuration> delay, Body body) {
  std::optional<TimePoint> when;
  if (delay) when = get_running_loop().after(*delay);
  co_return co_await Timeout::run(when, std::move(body));
}

}  // namespace detail

/// Runs a part of a task until `when` at most; without a time, there is no limit:
///
///     co_await timeout_at(when, [&](Timeout& limit) -> Coro<> { … });
///
/// The function lives as long as the part, so that it may capture. It may do without the parameter.
/// Python: `async with asyncio.timeout_at(when) as limit`.
/// @returns what the part returns
/// @throws TimeoutError if the part ended with a CancelledError because the time was over; otherwise what the
/// part throws; std::runtime_error outside of a task
template <class Body>
auto timeout_at(std::optional<TimePoint> when, Body&& body) {
  if constexpr (detail::can_be_part<Body, Timeout>())
    return Timeout::run(when, std::decay_t<Body>(std::forward<Body>(body)));
}

/// Limits a part as timeout_at() does, for so long from when it is awaited. Without a delay there is no
/// limit. Python: `async with asyncio.timeout(delay) as limit`.
template <class Body>
auto timeout(std::optional<concurrent::AnyDuration> delay, Body&& body) {
  if constexpr (detail::can_be_part<Body, Timeout>())
    return detail::run_for(delay, std::decay_t<Body>(std::forward<Body>(body)));
}

/// Runs a part of a task within a limit that you have made, right before, for its time is running; it can be
/// asked after the part, too:
///
///     Timeout limit(1s);
///     co_await timeout(limit, [&]() -> Coro<> { … });
///     if (limit.expired()) …
///
/// Python: `async with asyncio.timeout(1) as limit`, where `limit` lives on.
/// @returns what the part returns
/// @throws TimeoutError as timeout_at() does; std::runtime_error if the limit has had a part already
template <class Body>
auto timeout(Timeout& limit, Body&& body) {
  if constexpr (detail::can_be_part<Body, Timeout>())
    return Timeout::run_in(limit, std::decay_t<Body>(std::forward<Body>(body)));
}

}  // namespace asyncio
