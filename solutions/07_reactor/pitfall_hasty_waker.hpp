#pragma once

#include <sys/epoll.h>

#include <mutex>
#include <utility>

#include "event_counter.hpp"
#include "todo.hpp"

namespace asyncio {

/// Adds up the numbers that other threads post. It is wrong on purpose. They wake whoever waits for the sum
/// by a counter that has to be read, as a pipe has. Do not use it.
class HastyWaker {
 public:
  HastyWaker() : epoll_(concurrent::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    epoll_event event{};
    event.events = EPOLLIN;
    concurrent::checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, counter_.get(), &event), "epoll_ctl");
  }

  /// Any thread may call it.
  void post(int number) {
    {
      std::lock_guard lock(mutex_);
      sum_ += number;
    }
    detail::count_up(counter_.get());
  }

  /// Returns the sum of what was posted since the last time, as soon as there is something.
  int wait() {
    // <exercise 8.1 HastyWaker::wait>
    for (;;) {
      epoll_event event{};
      while (::epoll_wait(epoll_.get(), &event, 1, -1) != 1) {
      }
      int sum = 0;
      {
        std::lock_guard lock(mutex_);
        sum = std::exchange(sum_, 0);
      }
      detail::reset_count(counter_.get());
      if (sum != 0) return sum;
    }
    // </exercise>
  }

 private:
  const concurrent::Fd counter_ = detail::event_counter();
  const concurrent::Fd epoll_;
  std::mutex mutex_;  // guards sum_
  int sum_ = 0;
};

}  // namespace asyncio
