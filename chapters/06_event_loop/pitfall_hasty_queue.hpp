#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "todo.hpp"

namespace asyncio {

/// A queue for numbers, and the sleep of a loop. It is wrong on purpose: it looks, and then falls asleep.
/// Do not use it.
class HastyQueue {
 public:
  /// Leaves a number, and wakes the loop if it sleeps. Any thread may call it.
  void post(int number) {
    todo("9.1", "HastyQueue::post");
  }

  /// Returns what was posted, and sleeps until then. Only the loop calls it, once.
  int wait() {
    todo("9.1", "HastyQueue::wait");
  }

 private:
  // For 9.1: members of your choice.
};

}  // namespace asyncio
