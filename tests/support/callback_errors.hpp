#pragma once

#include <exception>
#include <mutex>

#include "future.hpp"
#include "log.hpp"
#include "thrown.hpp"

namespace course {

/// Remembers, while it lives, what the callbacks of concurrent futures throw. For tests from chapter 03 on.
class CallbackErrors {
 public:
  CallbackErrors() {
    concurrent::callback_exception_handler().set([this](std::exception_ptr error) {
      const std::lock_guard lock(mutex_);
      told_.push_back(what(error));
    });
  }
  CallbackErrors(const CallbackErrors&) = delete;
  CallbackErrors& operator=(const CallbackErrors&) = delete;
  ~CallbackErrors() { concurrent::callback_exception_handler().set({}); }

  /// Returns what() of each of them, in order. Any thread may call it.
  [[nodiscard]] Log told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  mutable std::mutex mutex_;  // guards the following
  Log told_;
};

}  // namespace course
