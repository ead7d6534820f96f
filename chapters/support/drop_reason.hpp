#pragma once

#include <exception>
#include <utility>

namespace concurrent {

/// Gives a reason to the jobs that this thread destroys without running them, as long as the object lives.
/// A job that belongs to a future ends it with this exception; without a reason it cancels it.
class DropReason {
 public:
  explicit DropReason(std::exception_ptr reason) : outer_(std::exchange(current_, std::move(reason))) {}
  DropReason(const DropReason&) = delete;
  DropReason& operator=(const DropReason&) = delete;
  ~DropReason() { current_ = std::move(outer_); }

  /// Returns the innermost reason on this thread; null if there is none.
  static std::exception_ptr current() noexcept { return current_; }

 private:
  static inline thread_local std::exception_ptr current_;
  std::exception_ptr outer_;
};

}  // namespace concurrent
