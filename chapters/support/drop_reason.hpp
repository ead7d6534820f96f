#pragma once

#include <exception>
#include <utility>

#include "errors.hpp"

namespace concurrent {

/// Names the reason why the jobs that this thread destroys unrun, while the object lives, will not run. A job
/// that belongs to a future finishes it with this exception; without a reason it cancels it. The way is
/// short: whoever drops a job destroys it, its destructor abandons the state of its future, and that asks for
/// the current reason.
class DropReason {
 public:
  explicit DropReason(std::exception_ptr reason) : outer_(std::exchange(current_, std::move(reason))) {}
  DropReason(const DropReason&) = delete;
  DropReason& operator=(const DropReason&) = delete;
  ~DropReason() { current_ = std::move(outer_); }

  /// Returns the innermost reason on this thread; null if there is none.
  static std::exception_ptr current() noexcept { return current_; }

  /// Returns the innermost reason on this thread, or a CancelledError if there is none.
  static std::exception_ptr current_or_cancelled() {
    return current_ ? current_ : std::make_exception_ptr(CancelledError());
  }

 private:
  static inline thread_local std::exception_ptr current_;
  std::exception_ptr outer_;
};

}  // namespace concurrent
