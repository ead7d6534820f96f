#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "event_counter.hpp"
#include "fd.hpp"
#include "ready_queue.hpp"
#include "ref.hpp"

namespace asyncio {

class SignalHandlers;

namespace detail {

inline constexpr int signal_count = NSIG;

inline const concurrent::Fd& signal_counter() {
  static const concurrent::Fd counter = event_counter();
  return counter;
}
inline std::atomic<int> signal_counter_fd = -1;

/// How often a signal has come, how many of these somebody was told of, and who is told.
struct Times {
  std::atomic<unsigned> came = 0;
  unsigned told = 0;
  const SignalHandlers* whom = nullptr;
};
struct AllTimes {
  std::mutex mutex;  // guards all but `came`
  std::array<Times, signal_count> of;
};
inline AllTimes times;

inline void on_signal(int number) noexcept {
  const int error = errno;
  times.of[static_cast<std::size_t>(number)].came.fetch_add(1);
  count_up(signal_counter_fd);
  errno = error;
}

}  // namespace detail

class SignalHandlers {
 public:
  SignalHandlers() = default;
  SignalHandlers(const SignalHandlers&) = delete;
  SignalHandlers& operator=(const SignalHandlers&) = delete;
  ~SignalHandlers() { clear(); }

  [[nodiscard]] bool empty() const noexcept { return mine_.empty(); }

  void add(int number, Ref<Operation> node) {
    ReadyQueue owner;
    owner.push(std::move(node));
    if (number < 1 || number >= detail::signal_count)
      throw std::invalid_argument("sig " + std::to_string(number) + " out of range");
    detail::signal_counter_fd = detail::signal_counter().get();
    mine_.reserve(mine_.size() + 1);
    {
      const std::lock_guard lock(detail::times.mutex);
      detail::Times& times = detail::times.of[static_cast<std::size_t>(number)];
      const unsigned came = times.came;
      struct sigaction action {};
      action.sa_handler = detail::on_signal;
      action.sa_flags = SA_RESTART;
      if (::sigaction(number, &action, nullptr) != 0)
        throw std::runtime_error("sig " + std::to_string(number) + " cannot be caught");
      if (!times.whom) times.told = came;
      times.whom = this;
      if (times.came != times.told) detail::count_up(detail::signal_counter_fd);
    }
    for (auto& [mine, handler] : mine_) {
      if (mine != number) continue;
      const Ref<Operation> old = std::exchange(handler, owner.pop());
      old->cancel();
      return;
    }
    mine_.emplace_back(number, owner.pop());
  }

  bool remove(int number) {
    for (auto& place : mine_) {
      if (place.first != number) continue;
      const Ref<Operation> old = std::exchange(place.second, nullptr);
      std::swap(place, mine_.back());
      mine_.pop_back();
      {
        const std::lock_guard lock(detail::times.mutex);
        detail::Times& times = detail::times.of[static_cast<std::size_t>(number)];
        if (times.whom == this) {
          ::signal(number, SIG_DFL);
          times.whom = nullptr;
        }
      }
      old->cancel();
      return true;
    }
    return false;
  }

  void collect(ReadyQueue& found) {
    const std::lock_guard lock(detail::times.mutex);
    for (const auto& [number, handler] : mine_) {
      detail::Times& times = detail::times.of[static_cast<std::size_t>(number)];
      if (times.whom != this) continue;
      const unsigned came = times.came;
      if (std::exchange(times.told, came) != came) found.push(handler);
    }
  }

  void clear() noexcept {
    while (!mine_.empty()) remove(mine_.back().first);
  }

 private:
  std::vector<std::pair<int, Ref<Operation>>> mine_;
};

}  // namespace asyncio
