#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <utility>

#include "event_loop.hpp"
#include "service.hpp"
#include "todo.hpp"

namespace asyncio::detail {

/// A task that is not done, as its loop knows it.
class PendingTask {
 public:
  PendingTask(const PendingTask&) = delete;
  PendingTask& operator=(const PendingTask&) = delete;

 protected:
  PendingTask() = default;
  ~PendingTask() = default;

 private:
  friend class TaskRegistry;

  /// The loop is closed: this will never run again. It is not in the list any more.
  inline void abandon() noexcept;  // in task_cell.hpp

  PendingTask* previous_ = nullptr;
  PendingTask* next_ = nullptr;
};

/// The tasks of a loop that are not done. Its futures know their loop through it: it lives as long as the
/// loop or one of them, for a future may outlive its loop.
class TaskRegistry final : public Service {
 public:
  /// For use_service().
  explicit TaskRegistry(EventLoop& loop) noexcept : Service(loop) {}

  // The tasks that are not done, in a list whose links they are.

  void add(PendingTask& task) noexcept {
    task.previous_ = last_;
    (last_ ? last_->next_ : first_) = &task;
    last_ = &task;
  }
  void remove(PendingTask& task) noexcept {
    (task.previous_ ? task.previous_->next_ : first_) = task.next_;
    (task.next_ ? task.next_->previous_ : last_) = task.previous_;
    task.previous_ = task.next_ = nullptr;
  }
  template <class F>
  void for_each(F fn) const {
    for (PendingTask* task = first_; task; task = task->next_) fn(*task);
  }

  /// The number in the name of the next task.
  [[nodiscard]] std::size_t next_number() noexcept { return ++made_; }

  /// Tells the loop's exception handler; if the loop is gone, stderr.
  void report(const char* message, std::exception_ptr error) const noexcept {
    const ExceptionContext context{.message = message, .exception = std::move(error)};
    if (EventLoop* const loop = this->loop())
      loop->call_exception_handler(context);
    else
      write_exception(context);
  }

  void close() noexcept override {
    while (first_) {
      PendingTask& task = *first_;
      remove(task);
      task.abandon();
    }
  }

 private:
  ~TaskRegistry() override = default;

  std::size_t made_ = 0;  // tasks
  PendingTask* first_ = nullptr;
  PendingTask* last_ = nullptr;
};

}  // namespace asyncio::detail
