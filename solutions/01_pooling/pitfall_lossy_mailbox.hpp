#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "todo.hpp"

namespace concurrent {

/// Passes one letter, a number other than 0, from one thread to another. It is wrong on purpose, although it
/// nearly always works: do not use it.
class LossyMailbox {
 public:
  /// Puts a letter in, for the thread in take(). The mailbox must be empty.
  void put(int letter) {
    // <exercise 7.1 LossyMailbox::put>
    letter_.store(letter);
    arrived_.notify_one();
    // </exercise>
  }

  /// Waits for a letter, and takes it out.
  int take() {
    // <exercise 7.1 LossyMailbox::take>
    std::unique_lock lock(mutex_);
    while (letter_.load() == 0) arrived_.wait(lock);
    return letter_.exchange(0);
    // </exercise>
  }

  // <exercise 7.1 members LossyMailbox>
 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::atomic<int> letter_ = 0;  // 0: none
  // </exercise>
};

}  // namespace concurrent
