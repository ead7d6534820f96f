#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace concurrent::detail {

/// Waits for something that nobody will announce, so that one has to look for it again and again. At first it
/// looks without a pause, for most answers come soon; then it sleeps between the looks, longer the longer it
/// has waited: what it waits for is seen late by a quarter of that time, and by 10 ms at most.
class Backoff {
 public:
  using Clock = std::chrono::steady_clock;

  /// True once it has looked for a while without a pause: from now on it sleeps.
  [[nodiscard]] bool sleeps() const noexcept { return sleeps_; }

  /// Waits a little, to look again then.
  void wait() {
    const auto now = Clock::now();
    if (since_ == Clock::time_point()) since_ = now;
    const auto waited = now - since_;
    sleeps_ = waited > most_looking;
    if (!sleeps_) return std::this_thread::yield();
    std::this_thread::sleep_for(std::min<Clock::duration>(waited / 4, std::chrono::milliseconds(10)));
  }

  /// Begins anew, after something has come.
  void reset() noexcept { *this = {}; }

 private:
  static constexpr auto most_looking = std::chrono::microseconds(200);

  Clock::time_point since_{};  // the clock's beginning: it has not looked yet
  bool sleeps_ = false;
};

}  // namespace concurrent::detail
