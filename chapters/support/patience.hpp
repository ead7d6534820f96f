#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace concurrent::detail {

/// Waits for something that nobody will announce, so that one has to look for it again and again. At first it
/// looks without a pause, for most answers come soon; then it sleeps between the looks, longer the longer it
/// has waited: what it waits for is seen late by a quarter of that time, and by 10 ms at most.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  /// True once it has looked often without a pause: from now on it sleeps.
  [[nodiscard]] bool is_over() const noexcept { return looks_ >= most_looks; }

  /// Waits a little, to look again then.
  void wait() {
    if (!is_over()) {
      if (looks_++ == 0) since_ = Clock::now();
      return std::this_thread::yield();
    }
    const auto waited = Clock::now() - since_;
    std::this_thread::sleep_for(std::min<Clock::duration>(waited / 4, std::chrono::milliseconds(10)));
  }

  /// Begins anew, after something has come.
  void renew() noexcept { looks_ = 0; }

 private:
  static constexpr int most_looks = 200;

  int looks_ = 0;
  Clock::time_point since_;
};

}  // namespace concurrent::detail
