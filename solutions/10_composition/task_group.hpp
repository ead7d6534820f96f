#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "awaitable.hpp"
#include "exception_group.hpp"
#include "outcome.hpp"
#include "async_with.hpp"
#include "task.hpp"
#include "todo.hpp"

namespace asyncio {

/// Tasks that end before a part of another task does:
///
///     co_await TaskGroup::run([&](TaskGroup& group) -> Coro<> {
///       group.create_task(first());
///       group.create_task(second());
///       co_return;
///     });
///
/// If one of them fails, or the part does, all others are cancelled. What is thrown is an ExceptionGroup of
/// everything that went wrong. For the loop's thread. Python: `async with asyncio.TaskGroup() as group`.
class TaskGroup {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Awaits the part of a task that `body` gives, and then all tasks of the group, whoever made them. The
  /// function lives as long, so that it may capture.
  /// @returns what the part returns
  /// @throws ExceptionGroup of what the part and its tasks threw, but for CancelledError; CancelledError if
  /// the task was cancelled; std::runtime_error outside of a task
  template <class Body>
  static auto run(Body&& body) {
    if constexpr (detail::can_be_part<Body, TaskGroup>())
      return run_part(std::decay_t<Body>(std::forward<Body>(body)));
  }

  /// Runs a Coro, or whatever can be awaited, as a task of the group. The tasks of the group may do so too.
  /// @throws std::runtime_error if the group has ended, or its tasks are being cancelled; then the coroutine
  /// is destroyed
  template <class A>
  auto create_task(A&& awaitable, const TaskOptions& options = {}) {
    check_open();
    auto task = loop_.create_task(std::forward<A>(awaitable), options);
    add(task);
    return task;
  }

 private:
  TaskGroup() : loop_(get_running_loop()), parent_(parent()) {}
  ~TaskGroup() {
    while (Member* const member = tasks_.first()) tasks_.remove(*member)->leave();
  }

  template <class Body>
  static Coro<detail::ScopeResult<Body, TaskGroup>> run_part(Body body) {
    TaskGroup group;
    auto outcome = co_await detail::outcome_of_scope(body, group);
    co_await group.end(outcome.exception());
    co_return outcome.take();
  }

  static detail::TaskBase& parent() {
    if (detail::TaskBase* task = detail::TaskBase::current()) return *task;
    throw std::runtime_error("TaskGroup cannot be used outside of a task");
  }

  void check_open() const {
    if (ending_ && tasks_.empty()) throw std::runtime_error("TaskGroup is finished");
    if (aborting_) throw std::runtime_error("TaskGroup is shutting down");
  }

  /// A task of the group, which tells the group when it is done.
  class Member final : public Operation {
   public:
    Member(TaskGroup& group, AnyFuture task) noexcept
        : Operation(RefCount::local, true), group_(&group), task_(std::move(task)) {}

    [[nodiscard]] AnyFuture& task() noexcept { return task_; }

    /// The group is gone.
    void leave() noexcept {
      group_ = nullptr;
      task_.state().let_go(*this);
    }

    /// Lets the group act on the end of its children: this can be noticed.
    void run() override {
      if (!group_) return;
      TaskGroup& group = *group_;
      const Ref<Member> member = group.tasks_.remove(*this);
      group.task_done(task_);
    }
    void drop() noexcept override {}
    void destroy() noexcept override { std::destroy_at(this); }
    [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(Member); }

   private:
    friend class TaskGroup;

    Ref<Operation> notify(Ref<Operation> self) noexcept override {
      if (!group_ || group_->must_know(task_)) return self;
      group_->tasks_.remove(*this);
      return nullptr;
    }

    TaskGroup* group_;
    AnyFuture task_;
    Member* previous_ = nullptr;
    Member* next_ = nullptr;
  };

  /// The tasks of the group that it has not done with, in the order in which they were made.
  class Members {
   public:
    [[nodiscard]] bool empty() const noexcept { return !first_; }
    [[nodiscard]] Member* first() const noexcept { return first_; }

    void add(Ref<Member> member) noexcept {
      Member* const added = member.release();
      added->previous_ = last_;
      (last_ ? last_->next_ : first_) = added;
      last_ = added;
    }
    Ref<Member> remove(Member& member) noexcept {
      (member.previous_ ? member.previous_->next_ : first_) = member.next_;
      (member.next_ ? member.next_->previous_ : last_) = member.previous_;
      return Ref<Member>::adopt(&member);
    }

   private:
    Member* first_ = nullptr;
    Member* last_ = nullptr;
  };

  void add(const AnyFuture& task) {
    Ref<Member> member = loop_.nodes().make<Member>(*this, task);
    ++running_;
    task.state().add_callback(member);
    tasks_.add(std::move(member));
  }

  /// A task is done; it tells this at once, in the middle of its own end. @returns true if somebody could
  /// notice what this means for the group: then task_done() follows, in a turn of the loop. All others, of a
  /// thousand tasks mostly 999, take no turn.
  bool must_know(const AnyFuture& task) noexcept {
    --running_;
    return running_ == 0 || task.state().error();
  }

  /// A task has ended, and is not one of tasks_ any more.
  void task_done(const AnyFuture& task) {
    // <exercise 4.2 TaskGroup::task_done>
    if (tasks_.empty() && all_done_ && !all_done_->done()) all_done_->set_result();
    if (task.cancelled() || !task.exception()) return;
    errors_.push_back(task.exception());
    if (aborting_ || parent_is_cancelled_) return;
    abort();
    parent_is_cancelled_ = true;
    parent_.request_cancel();
    // </exercise>
  }

  /// Cancels all tasks, and takes no new ones.
  void abort() {
    aborting_ = true;
    for (Member* member = tasks_.first(); member; member = member->next_) member->task().cancel();
  }

  /// The part has ended, with `error` (a std::exception_ptr), or if that is null, without: so do the tasks.
  /// @throws what TaskGroup::run() throws
  template <class Error>
  Coro<> end(Error error) {
    // <exercise 4.2 TaskGroup::end>
    ending_ = true;
    bool cancelled = detail::is_cancelled(error);
    if (error && !aborting_) abort();
    if (co_await cancelled_before_tasks_end()) cancelled = true;
    // Our own request is taken back. If that was the only one, nobody else has cancelled the parent.
    if (parent_is_cancelled_ && parent_.uncancel() == 0) cancelled = false;
    if (cancelled && errors_.empty()) throw CancelledError();
    if (error && !detail::is_cancelled(error)) errors_.push_back(error);
    if (errors_.empty()) co_return;
    // A request of somebody else is not lost: it arrives at the next co_await.
    if (parent_.cancelling() > 0) {
      parent_.uncancel();
      parent_.request_cancel();
    }
    throw ExceptionGroup("unhandled errors in a TaskGroup", std::move(errors_));
  }

  /// Waits until there are no tasks any more, even if the parent is cancelled meanwhile. @returns whether it
  /// was cancelled, and not by this group. (A template, for g++ compiles other coroutines wherever they are
  /// included.)
  template <class Result = bool>
  Coro<Result> cancelled_before_tasks_end() {
    bool cancelled = false;
    while (!tasks_.empty()) {
      all_done_ = loop_.create_future();
      try {
        co_await *all_done_;
      } catch (const CancelledError&) {
        if (!aborting_) {
          cancelled = true;
          abort();
        }
      }
      all_done_.reset();
    }
    co_return cancelled;
    // </exercise>
  }

  // A suggestion: what counts is what run() and create_task() do.
  EventLoop& loop_;
  detail::TaskBase& parent_;  // the task that the part belongs to
  Members tasks_;
  std::size_t running_ = 0;  // of them: not done
  std::vector<std::exception_ptr> errors_;
  bool ending_ = false;
  bool aborting_ = false;
  // <exercise 4.2 members TaskGroup>
  std::optional<Future<>> all_done_;  // while somebody waits for it
  bool parent_is_cancelled_ = false;  // by this group
  // </exercise>
};

}  // namespace asyncio
