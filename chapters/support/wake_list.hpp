#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "task.hpp"

namespace asyncio {

/// Tasks that wait for the same thing, and are woken together. For the loop's thread.
class WakeList {
 public:
  WakeList() = default;
  WakeList(const WakeList&) = delete;
  WakeList& operator=(const WakeList&) = delete;

  /// Waits until wake_all(). The list must live as long. (A template, as all coroutines of the course's
  /// headers are: g++ compiles others whether they are used or not.)
  template <class Place = Future<>>
  Coro<> wait() {
    struct Waiter {
      WakeList& list;
      Place future;
      Waiter(WakeList& list, Place future) : list(list), future(std::move(future)) {
        list.waiters_.push_back(this->future);
      }
      Waiter(const Waiter&) = delete;
      Waiter& operator=(const Waiter&) = delete;
      ~Waiter() { std::erase(list.waiters_, future); }
    };
    const Waiter waiter(*this, get_running_loop().create_future());
    co_await waiter.future;
  }

  /// Wakes those who wait now. They run in the next pass.
  void wake_all() {
    for (Future<>& waiter : std::exchange(waiters_, {}))
      if (!waiter.done()) waiter.set_result();
  }

 private:
  std::vector<Future<>> waiters_;
};

}  // namespace asyncio
