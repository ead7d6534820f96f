#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "event_loop.hpp"

namespace asyncio {

/// Calls a function when a time is over that was not renewed. To renew it costs nearly nothing: its timer
/// stays, and looks when it fires whether the time has moved. For the loop's thread.
class Watchdog {
 public:
  Watchdog(EventLoop& loop, std::function<void()> bite) : loop_(loop), bite_(std::move(bite)) {}
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() { timer_.cancel(); }

  /// The time begins anew.
  void set(Duration delay) {
    when_ = loop_.time() + delay;
    if (!fires_ || *when_ < *fires_) arm();
  }
  /// There is no limit now.
  void off() noexcept { when_.reset(); }

 private:
  void arm() {
    timer_.cancel();
    fires_ = when_;
    timer_ = loop_.call_at(*when_, [this] { fired(); });
  }
  void fired() {
    fires_.reset();
    if (!when_) return;
    if (*when_ > loop_.time()) return arm();
    when_.reset();
    bite_();
  }

  EventLoop& loop_;
  const std::function<void()> bite_;
  std::optional<TimePoint> when_;
  std::optional<TimePoint> fires_;
  Handle timer_;
};

}  // namespace asyncio
