#pragma once

#include <exception>
#include <mutex>
#include <utility>

#include "errors.hpp"

namespace concurrent {

/// Keeps the reason why an executor refuses work for good. All members may be called from any thread.
class Refusal {
 public:
  /// Keeps `reason`, unless there is one already. @returns the reason that is kept
  std::exception_ptr keep(std::exception_ptr reason) {
    std::lock_guard lock(mutex_);
    if (!reason_) reason_ = std::move(reason);
    return reason_;
  }

  /// Throws the reason. @throws ExecutorShutdown if there is none: the executor was only shut down
  [[noreturn]] void raise() const {
    std::lock_guard lock(mutex_);
    if (reason_) std::rethrow_exception(reason_);
    throw ExecutorShutdown();
  }

 private:
  mutable std::mutex mutex_;
  std::exception_ptr reason_;
};

}  // namespace concurrent
