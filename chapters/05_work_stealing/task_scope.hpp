#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "drop_reason.hpp"
#include "join_counter.hpp"
#include "todo.hpp"
#include "work_stealing_executor.hpp"

namespace concurrent {

/// A scope whose jobs end before it does, so that they may use by reference whatever lives longer than it.
/// spawn() may be called by the thread that made the scope and by the scope's own jobs, join() and the
/// destructor only by the former. Python: `asyncio.TaskGroup`.
class TaskScope {
 public:
  explicit TaskScope(WorkStealingExecutor& executor) : executor_(executor) {}
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  /// Waits until all jobs have ended. An error that join() has not thrown is lost.
  ~TaskScope() { executor_.join(pending_); }

  /// Runs `fn` as a job of the executor. It is destroyed, with all that it owns, before the scope ends.
  /// @throws what post() throws; the job then counts as failed, as one that was dropped
  template <std::invocable F>
  void spawn(F fn) {
    todo("9.1", "TaskScope::spawn");
  }

  /// Waits until all jobs have ended, those included that they have spawned. A worker runs other work
  /// meanwhile. The scope can be used again then.
  /// @throws the first error of a job, in time: what it threw, or, if the executor destroyed it unrun, the
  /// reason, which is CancelledError if it gave none
  void join() {
    executor_.join(pending_);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  // A suggestion. All of it is yours to change: the tests see only what is public.

  /// Held by each job of the scope: when it is destroyed, the job has ended, whether it has run or not.
  class Token {
   public:
    explicit Token(TaskScope& scope) noexcept : scope_(&scope) { scope.pending_.add(); }
    Token(Token&& other) noexcept : scope_(std::exchange(other.scope_, nullptr)) {}
    ~Token() {
      if (scope_) hand_in(DropReason::current_or_cancelled());
    }

    void hand_in(std::exception_ptr error) { std::exchange(scope_, nullptr)->finish(std::move(error)); }

   private:
    TaskScope* scope_;
  };

  /// Notes that a job has ended.
  void finish(std::exception_ptr error) {
    if (error) {
      std::lock_guard lock(mutex_);
      if (!error_) error_ = std::move(error);
    }
    error = nullptr;  // one that nobody will be told, and what it owns: before the scope can end
    executor_.finish(pending_);
  }

  WorkStealingExecutor& executor_;
  detail::JoinCounter pending_;
  std::mutex mutex_;  // guards error_ while jobs run
  std::exception_ptr error_;
};

}  // namespace concurrent
