#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "event_loop.hpp"
#include "task.hpp"
#include "todo.hpp"
#include "type_name.hpp"
#include "wait_reason.hpp"

namespace asyncio {

/// Nothing can ever happen again, and tasks wait. Its text says which, and for what.
struct HangError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace detail {

/// Finds out what the tasks of a loop wait for. The idea: Python 3.14's `asyncio.print_call_graph`.
class WaitGraph {
 public:
  explicit WaitGraph(EventLoop& loop) {
    loop.use_service<TaskRegistry>().for_each([this](PendingTask& task) {
      TaskBase& known = static_cast<TaskBase&>(task);
      tasks_.emplace(known.number(), &known);
    });
  }

  [[nodiscard]] bool empty() const noexcept { return tasks_.empty(); }

  /// Returns the text of the error: a line for each task, in the order in which they were made, and one for
  /// each circle of tasks of which each waits for the next.
  [[nodiscard]] std::string text() const {
    std::string text = "nothing can ever happen again, and " + std::to_string(tasks_.size()) +
                       (tasks_.size() == 1 ? " task waits" : " tasks wait");
    for (const auto& [number, task] : tasks_) text += "\n  " + task->name() + " waits for " + reason(*task);
    return text + circles();
  }

 private:
  /// Returns the task of a number; null if it has ended.
  [[nodiscard]] TaskBase* find(std::size_t number) const {
    const auto found = tasks_.find(number);
    return found == tasks_.end() ? nullptr : found->second;
  }

  /// Returns what a task waits for, in words.
  [[nodiscard]] std::string reason(const TaskBase& task) const {
    FutureBase* const future = task.waits_for();
    if (!future) return "something that is not known";
    if (TaskBase* const awaited = future->task()) return awaited->name();
    const auto* const why = dynamic_cast<const WaitReason*>(future);
    if (!why) return "a future, " + concurrent::type_name(future->type());
    const std::size_t holder = why->owner().holder();
    if (holder == 0) return why->text();
    const TaskBase* const held_by = find(holder);
    return why->text() + ", held by " + (held_by ? held_by->name() : "a task that has ended");
  }

  /// Returns the task that has to do something before this one can go on; null if that is not known.
  [[nodiscard]] const TaskBase* next(const TaskBase& task) const {
    FutureBase* const future = task.waits_for();
    if (!future) return nullptr;
    if (TaskBase* const awaited = future->task()) return awaited;
    const auto* const why = dynamic_cast<const WaitReason*>(future);
    return why ? find(why->owner().holder()) : nullptr;
  }

  /// Returns a line for each circle of tasks of which each waits for the next; each begins with "\n".
  [[nodiscard]] std::string circles() const {
    // <exercise 7.1 WaitGraph::circles>
    std::string text;
    std::set<const TaskBase*> seen;
    for (const auto& [number, start] : tasks_) {
      std::set<const TaskBase*> walk;  // those seen on this walk: whoever comes again is in a circle
      const TaskBase* task = start;
      for (; task && seen.insert(task).second; task = next(*task)) walk.insert(task);
      if (!task || !walk.contains(task)) continue;
      text += "\n  a circle: " + task->name();
      const TaskBase* other = task;
      do {
        other = next(*other);
        text += " waits for " + other->name();
      } while (other != task);
    }
    return text;
    // </exercise>
  }

  std::map<std::size_t, TaskBase*> tasks_;  // by number: in the order in which they were made
};

/// A selector that waits as another one does, but ends a run that would wait for ever.
class HangSelector final : public Selector {
 public:
  explicit HangSelector(std::unique_ptr<Selector> inner) : inner_(std::move(inner)) {}

  /// @throws HangError if nobody could end this wait
  void select(std::optional<Duration> timeout) override {
    if (!timeout && *work_elsewhere() == 0) {
      if (woken_.exchange(false)) return inner_->select(Duration::zero());
      check();
    }
    inner_->select(timeout);
  }
  void wake() override {
    woken_ = true;
    inner_->wake();
  }
  TimePoint now() override { return inner_->now(); }
  ReadyQueue found() override { return inner_->found(); }
  [[nodiscard]] int* work_elsewhere() noexcept override {
    int* const inner = inner_->work_elsewhere();
    return inner ? inner : &elsewhere_;
  }
  void close() noexcept override { inner_->close(); }

 private:
  static void check() {
    const WaitGraph graph(*EventLoop::running());
    if (!graph.empty()) throw HangError(graph.text());
  }

  const std::unique_ptr<Selector> inner_;
  std::atomic<bool> woken_ = false;
  int elsewhere_ = 0;
};

}  // namespace detail

/// Returns a selector for a loop whose hangs are explained: it waits as `inner` does. When nothing is ready,
/// no timer runs, no call is pending on an executor, and no ThreadMayPost says otherwise, then tasks that
/// wait would wait for ever, and the run ends with a HangError. (Not for an EpollSelector, which may hear
/// from the kernel at any time.)
/// @throws std::invalid_argument if `inner` is null
inline std::unique_ptr<Selector> explain_hangs(
    std::unique_ptr<Selector> inner = std::make_unique<SleepSelector>()) {
  if (!inner) throw std::invalid_argument("a selector that explains hangs needs one that waits");
  return std::make_unique<detail::HangSelector>(std::move(inner));
}

/// A loop whose hangs are explained: `run(main(), {.loop_factory = explaining_loop})`.
inline std::unique_ptr<EventLoop> explaining_loop() { return std::make_unique<EventLoop>(explain_hangs()); }

/// While it lives, another thread may post to the loop, so that a wait is no hang. (Calls on executors count
/// by themselves.) For the loop's thread; the loop must live longer.
class ThreadMayPost {
 public:
  explicit ThreadMayPost(EventLoop& loop) noexcept : count_(loop.selector().work_elsewhere()) {
    if (count_) ++*count_;
  }
  ThreadMayPost(const ThreadMayPost&) = delete;
  ThreadMayPost& operator=(const ThreadMayPost&) = delete;
  ~ThreadMayPost() {
    if (count_) --*count_;
  }

 private:
  int* const count_;  // null if the loop's hangs are not explained
};

}  // namespace asyncio
