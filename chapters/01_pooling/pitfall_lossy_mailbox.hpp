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
    todo("7.1", "LossyMailbox::put");
  }

  /// Waits for a letter, and takes it out.
  int take() {
    todo("7.1", "LossyMailbox::take");
  }

  // For 7.1: members of LossyMailbox.
};

}  // namespace concurrent
