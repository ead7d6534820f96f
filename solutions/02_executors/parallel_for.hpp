#pragma once

#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <ranges>
#include <utility>

#include "drop_reason.hpp"
#include "executor_base.hpp"
#include "todo.hpp"

namespace concurrent {

namespace detail {

/// Waits for a group of jobs, each of which reports to it once, whether it has run or not. A suggestion: the
/// tests see only parallel_for().
class WaitGroup {
  // <exercise 6.1 members WaitGroup>
 public:
  /// Belongs to a job, and reports to the group when it is destroyed. It is small, so that a job with a token
  /// and an iterator needs no memory of its own.
  class Token {
   public:
    explicit Token(WaitGroup& group) : group_(&group) { group.add(); }
    Token(Token&& other) noexcept : group_(std::exchange(other.group_, nullptr)), ran_(other.ran_) {}
    ~Token() {
      if (!group_) return;
      if (!ran_) group_->keep(DropReason::current_or_cancelled());
      group_->finish();
    }

    /// Calls `call(group)`; what it throws is an error of the group. Without this call the job counts as
    /// dropped.
    template <class Call>
    void run(Call&& call) noexcept {
      ran_ = true;
      try {
        std::forward<Call>(call)(*group_);
      } catch (...) {
        group_->keep(std::current_exception());
      }
    }

   private:
    WaitGroup* group_;
    bool ran_ = false;
  };

  /// Waits until every token has been destroyed. @returns the first error that came, or null
  std::exception_ptr wait() {
    std::unique_lock lock(mutex_);
    all_finished_.wait(lock, [this] { return unfinished_ == 0; });
    return first_error_;
  }

 private:
  void add() {
    std::lock_guard lock(mutex_);
    ++unfinished_;
  }
  void keep(std::exception_ptr error) {
    std::lock_guard lock(mutex_);
    if (!first_error_) first_error_ = std::move(error);
  }
  void finish() {
    std::lock_guard lock(mutex_);
    // Still under the lock: as soon as it is free, the waiting thread may destroy the group.
    if (--unfinished_ == 0) all_finished_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable all_finished_;
  std::size_t unfinished_ = 0;
  std::exception_ptr first_error_;
  // </exercise>
};

}  // namespace detail

/// Calls `fn(item)` for each item, each in a job of its own on `executor`, and returns when all have ended.
/// `fn` is shared by the calls, which may run at the same time. Python: `list(executor.map(fn, items))`.
///
/// The calling thread only waits. So do not call it from the executor's last free worker, nor on a
/// ManualExecutor that no other thread runs.
/// @throws what post() threw if the executor refused a job; else the first error of a call, in time: the
/// exception of `fn` or, if the executor destroyed a job unrun, the reason, which is CancelledError if it
/// gave none
template <std::ranges::forward_range Items, class F>
requires std::invocable<F&, std::ranges::range_reference_t<Items>>
void parallel_for(Executor& executor, Items&& items, F fn) {
  // <exercise 6.2 parallel_for>
  struct Loop : detail::WaitGroup {
    F& fn;  // once for all jobs: a job with one more pointer would not fit into a Job
  } loop{{}, fn};
  std::exception_ptr refusal;
  try {
    for (auto item = std::ranges::begin(items); item != std::ranges::end(items); ++item)
      executor.post([token = detail::WaitGroup::Token(loop), item]() mutable {
        token.run([&](detail::WaitGroup& group) { std::invoke(static_cast<Loop&>(group).fn, *item); });
      });
  } catch (...) {
    refusal = std::current_exception();
  }
  const std::exception_ptr error = loop.wait();
  if (refusal) std::rethrow_exception(refusal);
  if (error) std::rethrow_exception(error);
  // </exercise>
}

}  // namespace concurrent
