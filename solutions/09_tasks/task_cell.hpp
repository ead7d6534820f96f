#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "cancelled_error.hpp"
#include "coro.hpp"
#include "cycle_detector.hpp"
#include "future_cell.hpp"
#include "task_options.hpp"
#include "task_registry.hpp"
#include "todo.hpp"

namespace asyncio {

template <class T = void>
class Task;

namespace detail {

/// A task, whatever it is a future of. It drives a coroutine through a loop, which calls run() for each step:
/// from where the coroutine waits to where it waits next.
class TaskBase : public FutureBase, public PendingTask {
 public:
  /// Makes a task that its loop knows. One reference is the loop's, until the task is done.
  TaskBase(TaskRegistry& tasks, CoroFrame&& coro, const TaskOptions& options)
      : FutureBase(tasks), coro_(std::move(coro)), number_(tasks.next_number()), name_(keep(options.name)) {
    tasks.add(*this);
    ref();
  }

  /// The one whose step runs on this thread; null if none does.
  static TaskBase* current() noexcept { return current_; }

  /// The one that runs, for what can be awaited in a task alone.
  static TaskBase& running() {
    if (current_) return *current_;
    throw std::runtime_error("this can be awaited only in a task");
  }

  // ---- For what it awaits.

  /// Lets the coroutine wait, at `waiting`, until `future` is done.
  /// @throws std::runtime_error if it is the task itself, or belongs to another loop: then it does not wait
  void wait_for(FutureBase& future, std::coroutine_handle<> waiting) {
    // <exercise 3.1 TaskBase::wait_for>
    if (&future == this) throw std::runtime_error("Task cannot await on itself");
    if (&future.tasks() != &tasks()) throw std::runtime_error("Task got Future attached to a different loop");
    future.add_waiter(Ref<Operation>(*this));
    resume_at_ = waiting;
    waits_for_ = &future;
    if (must_cancel_) {
      must_cancel_ = false;  // first: if the wait closes a circle, the request may leave this task a new note
      if (!future.request_cancel()) must_cancel_ = true;
    }
    // </exercise>
  }

  /// Lets the coroutine wait, at `waiting`, for the next pass: behind all that is ready now.
  void yield(std::coroutine_handle<> waiting) noexcept {
    // <exercise 4.1 TaskBase::yield>
    resume_at_ = waiting;
    EventLoop::running()->run_soon(Ref<Operation>(*this));
    // </exercise>
  }

  /// The coroutine goes on after it has waited, and has not got its result yet.
  /// @throws CancelledError if the task was asked to end, and its coroutine does not know that yet
  void throw_if_cancelled() {
    // <exercise 5.1 quiet TaskBase::throw_if_cancelled>
    if (std::exchange(must_cancel_, false)) throw CancelledError();
    // </exercise>
  }

  // ---- For its handles.

  /// Asks the task to end: a CancelledError comes out of the `co_await` at which its coroutine waits or, if
  /// it does not wait, of the next one that does. No coroutine runs in here. Any chain of tasks takes
  /// constant stack. Python: `task.cancel`.
  /// @returns false if it has ended, which counts as having looked at its outcome
  bool request_cancel() override {
    // <exercise 5.1 TaskBase::request_cancel>
    if (done()) {
      retrieved();
      return false;
    }
    TaskBase* innermost = this;
    CycleDetector cycle(this);
    while (true) {
      ++innermost->cancel_requests_;
      FutureBase* const awaited = innermost->waits_for_;
      TaskBase* const next = awaited ? awaited->task() : nullptr;
      if (next && !awaited->done()) {
        if (cycle.step(next)) {
          innermost->leave_circle();
          return true;
        }
        innermost = next;
      } else {
        if (!awaited || !awaited->request_cancel()) innermost->must_cancel_ = true;
        return true;
      }
    }
  }

  /// Tasks wait for one another in a circle, this one among them, and so none of them would ever go on. This
  /// one does, with a CancelledError, and the loop's exception handler is told who they are.
  [[gnu::noinline]] void leave_circle() {
    const std::string names = circle();
    must_cancel_ = true;
    if (std::exchange(waits_for_, nullptr)->let_go(*this)) schedule();
    report_circle(names);
    // </exercise>
  }

  /// Counts a request that reaches the task through what it waits for. For cancel_all().
  void count_request() noexcept { ++cancel_requests_; }

  /// Takes back a request: nobody wants the task to end any more if it was the last. Python: `task.uncancel`.
  /// @returns how many are left
  std::size_t uncancel() noexcept {
    // <exercise 5.1 TaskBase::uncancel>
    if (cancel_requests_ > 0) --cancel_requests_;
    if (cancel_requests_ == 0) must_cancel_ = false;
    return cancel_requests_;
    // </exercise>
  }
  /// Returns how many requests are left.
  [[nodiscard]] std::size_t cancelling() const noexcept { return cancel_requests_; }

  [[nodiscard]] std::string name() const { return name_ ? *name_ : "Task-" + std::to_string(number_); }
  void set_name(std::string_view name) { name_ = keep(name); }

  // ---- For what explains a hang.

  /// Returns the future that it waits for; null before it begins, while it runs, and in a yield().
  [[nodiscard]] FutureBase* waits_for() const noexcept {
    // <exercise 3.1 TaskBase::waits_for>
    return waits_for_;
    // </exercise>
  }
  /// Returns its number, of which there is one in its loop: 1 for the first task.
  [[nodiscard]] std::size_t number() const noexcept { return number_; }

  // ----

  /// Queues it in the loop, which runs its next step.
  void schedule() noexcept {
    if (EventLoop* loop = tasks().loop()) loop->run_soon(Ref<Operation>(*this));
  }

  TaskBase* task() noexcept final { return this; }

  // ---- For its loop.

  void abandon() noexcept {
    retrieved();
    tasks().report("Task was destroyed but it is pending!", nullptr);
    complete(State::cancelled);  // first, for what is destroyed may want to cancel it
    coro_.destroy();
    unref();
  }

  /// Runs a step: the coroutine goes on, to where it waits next or to its end. Meanwhile this is the current
  /// task. One that has ended, or waits for something that will never let it go on, is no task of the loop
  /// any more.
  void run() final {
    // <exercise 3.2 TaskBase::run>
    switch (step()) {
      case Step::waits:
        return;
      case Step::ended:
        return end();
      case Step::cancelled:
        return finish(State::cancelled);
      case Step::unsupported:
        return fail_unsupported_await();
    }
  }

 private:
  enum class Step : unsigned char {
    waits,       ///< the coroutine waits for something
    ended,       ///< it has ended
    cancelled,   ///< it was cancelled before it could begin
    unsupported  ///< it is suspended on an awaitable that did not register with the task
  };

  /// Runs the coroutine, from where it waits to where it waits next. Meanwhile this is the current task.
  Step step() {
    if (must_cancel_ && !begun_) return Step::cancelled;
    begun_ = true;
    waits_for_ = nullptr;
    const Current current(*this);
    // Null while it runs: a coroutine that stops without telling the task where is one that nobody will
    // resume.
    std::exchange(resume_at_, nullptr).resume();
    if (coro_.handle().done()) return Step::ended;
    return resume_at_ ? Step::waits : Step::unsupported;
  }

  // The two are not inlined, so that run() stays small: half a nanosecond less for each switch of tasks.

  /// Ends the task with the outcome of the coroutine, which has ended: a CancelledError makes it cancelled,
  /// any other exception is its exception, also one that moving the value throws.
  [[gnu::noinline]] void end() noexcept {
    try {
      if (must_cancel_ && !coro_outcome().exception()) return finish(State::cancelled);
      take_outcome();
    } catch (const CancelledError&) {
      return finish(State::cancelled);
    } catch (...) {
      stored().set_exception(std::current_exception());
    }
    finish(State::finished);
  }

  /// Fails, for nobody would ever resume the coroutine.
  [[gnu::noinline]] void fail_unsupported_await() noexcept {
    stored().set_exception(std::make_exception_ptr(
        std::runtime_error("the task awaits something that is neither a Future nor a Coro")));
    finish(State::finished);
  }

  /// Ends it, and gives back the loop's reference.
  void finish(State state) noexcept {
    tasks().remove(*this);
    coro_.destroy();
    complete(state);
    unref();
    // </exercise>
  }

 protected:
  ~TaskBase() = default;

  /// Returns the promise of the coroutine, which has not been destroyed yet.
  [[nodiscard]] CoroPromise& promise() const noexcept { return coro_.promise(); }

 private:
  /// Returns the outcome of the coroutine, which has ended.
  [[nodiscard]] virtual AnyOutcome& coro_outcome() noexcept = 0;

  /// Moves the value of the coroutine to where the task has stored() its own.
  /// @throws what that throws, or if it has no value, its exception
  virtual void take_outcome() = 0;

  /// Names the tasks of a circle that this is in, from this one on.
  [[nodiscard]] std::string circle() const {
    std::string circle = name();
    for (const TaskBase* task = this; circle.size() < 1'000;) {
      task = task->waits_for()->task();
      circle += " waits for " + task->name();
      if (task == this) break;
    }
    return circle;
  }

  /// Tells the loop's exception handler of a circle.
  void report_circle(const std::string& circle) const {
    tasks().report("Tasks wait for one another in a circle",
                   std::make_exception_ptr(std::runtime_error(circle)));
  }

  /// Makes a task the current one, as long as it lives.
  class Current {
   public:
    explicit Current(TaskBase& task) noexcept : before_(std::exchange(current_, &task)) {}
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    ~Current() { current_ = before_; }

   private:
    TaskBase* const before_;
  };

  /// Most tasks have no name of their own, and need no room for one.
  static std::unique_ptr<std::string> keep(const std::string_view& name) {
    return name.empty() ? nullptr : std::make_unique<std::string>(name);
  }

  static inline thread_local constinit TaskBase* current_ = nullptr;

  CoroFrame coro_;  // the coroutine, with all that it awaits: it owns their frames

  // <exercise 3.1 members TaskBase>
  std::coroutine_handle<> resume_at_ = coro_.handle();  // the part of it that waits
  FutureBase* waits_for_ = nullptr;                     // the awaiter holds it
  bool begun_ = false;
  bool must_cancel_ = false;  // step 5: a request that has not arrived
  // </exercise>

  std::uint32_t cancel_requests_ = 0;
  const std::size_t number_;
  std::unique_ptr<std::string> name_;  // none: after its number
};

inline void PendingTask::abandon() noexcept { static_cast<TaskBase*>(this)->abandon(); }

/// A task: a future whose outcome is that of a coroutine.
template <class T>
class TaskCell final : public FutureCell<T, TaskBase> {
 public:
  using FutureCell<T, TaskBase>::FutureCell;

  void destroy() noexcept override {
    this->report_unless_retrieved("Task exception was never retrieved");
    std::destroy_at(this);
  }
  [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(Task<T>); }

 private:
  [[nodiscard]] Outcome<T>& coro_outcome() noexcept override {
    return static_cast<typename Coro<T>::promise_type&>(this->promise()).outcome;
  }

  void take_outcome() override {
    if constexpr (std::is_void_v<T>) {
      coro_outcome().take();
      this->template stored<T>().set_value();
    } else {
      this->template stored<T>().set_value(coro_outcome().take());
    }
  }
};

}  // namespace detail

}  // namespace asyncio
