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
#include "future_cell.hpp"
#include "laps.hpp"
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
      : FutureBase(tasks),
        coro_(std::move(coro)),
        resume_at_(coro_.handle()),
        number_(tasks.next_number()),
        name_(keep(options.name)) {
    tasks.add(*this);
    ref();
  }

  /// The one that runs on this thread; null if none does.
  static TaskBase* current() noexcept { return current_; }

  /// The one that runs, for what can be awaited in a task alone.
  static TaskBase& running() {
    if (current_) return *current_;
    throw std::runtime_error("this can be awaited only in a task");
  }

  // ---- For what it awaits.

  /// Lets the coroutine wait, at `waiting`, until `future` is done.
  /// @throws std::runtime_error if that would never be
  void wait_for(FutureBase& future, std::coroutine_handle<> waiting) {
    // <exercise 3.1 TaskBase::wait_for> Throw a std::runtime_error "Task cannot await on itself" if it would,
    // and "Task got Future attached to a different loop" if the future's tasks() are not those of this task.
    // Otherwise this is where to resume_at_, and the future is what it waits_for_. Add the task, a
    // Ref to it, to the future as a waiter. If the task was cancelled meanwhile (must_cancel_) and the future
    // can be, that is how it gets to know, and must_cancel_ is over.
    if (&future == this) throw std::runtime_error("Task cannot await on itself");
    if (&future.tasks() != &tasks()) throw std::runtime_error("Task got Future attached to a different loop");
    resume_at_ = waiting;
    waits_for_ = &future;
    future.add_waiter(Ref<Operation>(*this));
    if (must_cancel_ && future.request_cancel()) must_cancel_ = false;
    // </exercise>
  }

  /// Lets the coroutine wait, at `waiting`, for the next pass.
  void yield(std::coroutine_handle<> waiting) noexcept {
    // <exercise 4.1 TaskBase::yield> This is where to resume_at_. Let the loop that is running() run_soon()
    // the task, a Ref to it.
    resume_at_ = waiting;
    EventLoop::running()->run_soon(Ref<Operation>(*this));
    // </exercise>
  }

  /// Throws a CancelledError if the task is cancelled. Called when the coroutine goes on.
  /// @throws CancelledError
  void throw_if_cancelled() {
    // <exercise 3.2 TaskBase::throw_if_cancelled> If it must_cancel_, that is over: throw a CancelledError.
    if (std::exchange(must_cancel_, false)) throw CancelledError();
    // </exercise>
  }

  // ---- For its handles.

  /// Asks the innermost of what it waits for to be cancelled. @returns false if it is done
  bool request_cancel() override {
    // <exercise 5.1 TaskBase::request_cancel> If it is done(), who wants to cancel it has looked at
    // it: it is retrieved(), and return false. From here inwards, count one of the cancel_requests_ of each
    // task; as long as what it waits_for_ is a task() that is not done, that is the next. At the innermost,
    // if it waits_for_ something that can be cancelled by request_cancel(), that is enough. Otherwise it
    // must_cancel_. Return true. (In a loop: chains of tasks may be long. And they may be circles, without an
    // innermost: when a step of Laps says that the walk has come round, it is the task before that step that
    // is to leave_circle().)
    if (done()) {
      retrieved();
      return false;
    }
    TaskBase* innermost = this;
    Laps laps(this);
    while (true) {
      ++innermost->cancel_requests_;
      FutureBase* const awaited = innermost->waits_for_;
      TaskBase* const next = awaited ? awaited->task() : nullptr;
      if (next && !awaited->done()) {
        if (laps.step(next)) {
          innermost->leave_circle();
          return true;
        }
        innermost = next;
      } else {
        if (!awaited || !awaited->request_cancel()) innermost->must_cancel_ = true;
        return true;
      }
    }
    // </exercise>
  }

  /// Asks for cancellation, when all tasks of the loop are asked: one that waits for another gets to know
  /// through that. So it costs as much for a long chain of tasks as for as many that have nothing to do with
  /// one another.
  void request_cancel_among_all() {
    if (!done() && waits_for_ && waits_for_->task() && !waits_for_->done())
      ++cancel_requests_;
    else
      request_cancel();
  }

  /// Takes back one request. @returns how many are left
  std::size_t uncancel() noexcept {
    // <exercise 5.2 TaskBase::uncancel> If there are cancel_requests_, there is one fewer. If none is left,
    // it need not be cancelled any more. Return how many are left.
    if (cancel_requests_ > 0) --cancel_requests_;
    if (cancel_requests_ == 0) must_cancel_ = false;
    return cancel_requests_;
    // </exercise>
  }
  [[nodiscard]] std::size_t cancelling() const noexcept { return cancel_requests_; }

  [[nodiscard]] std::string name() const { return name_ ? *name_ : "Task-" + std::to_string(number_); }
  void set_name(std::string_view name) { name_ = keep(name); }

  // ---- For what explains a hang.

  /// Returns what it waits for; null if it is about to run.
  [[nodiscard]] FutureBase* waits_for() const noexcept { return waits_for_; }
  /// Returns its number, of which there is one in its loop: 1 for the first task.
  [[nodiscard]] std::size_t number() const noexcept { return number_; }

  // ----

  /// Queues it in the loop, which runs its next step.
  void schedule() noexcept {
    if (EventLoop* loop = tasks().loop()) loop->run_soon(Ref<Operation>(*this));
  }

  TaskBase* task() noexcept final { return this; }

  // ---- For its loop.

  /// Runs a step.
  void run() final {
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

  void abandon() noexcept {
    retrieved();
    tasks().report("Task was destroyed but it is pending!", nullptr);
    cancel_without_loop();  // first, for what is destroyed may want to cancel it
    coro_.destroy();
    unref();
  }

 protected:
  ~TaskBase() = default;

  /// Returns the promise of the coroutine, which has not been destroyed yet.
  [[nodiscard]] CoroPromise& promise() const noexcept { return coro_.promise(); }

 private:
  /// Returns the outcome of the coroutine, which has ended.
  [[nodiscard]] virtual AnyOutcome& coro_outcome() noexcept = 0;

  /// Moves the value of the coroutine to where the task has stored() its own. @throws what that throws
  virtual void take_outcome() = 0;

  enum class Step : unsigned char {
    waits,       ///< the coroutine waits for something
    ended,       ///< it has ended
    cancelled,   ///< it was cancelled before it could begin
    unsupported  ///< it is suspended on an awaitable that did not register with the task
  };

  /// Runs the coroutine to where it waits next.
  Step step() {
    // <exercise 3.3 TaskBase::step> If it must_cancel_ and has not begun_, it is cancelled. Otherwise it has
    // begun_, and waits_for_ nothing any more. While this lives, it is the Current one: resume() where it
    // waits; resume_at_ is null meanwhile. Then, if the coro_ is done(), it has ended; if it has said where
    // to resume_at_, it waits; otherwise it is unsupported.
    if (must_cancel_ && !begun_) return Step::cancelled;
    begun_ = true;
    waits_for_ = nullptr;
    const Current current(*this);
    std::exchange(resume_at_, nullptr).resume();
    if (coro_.handle().done()) return Step::ended;
    return resume_at_ ? Step::waits : Step::unsupported;
    // </exercise>
  }

  // The two are not inlined, so that run() stays small: half a nanosecond less for each switch of tasks.

  /// Ends the task with the outcome of the coroutine, which has ended.
  [[gnu::noinline]] void end() noexcept {
    // <exercise 3.4 TaskBase::end> If the coroutine has ended without an exception() in coro_outcome(), but
    // the task must_cancel_, finish() as cancelled: the value is lost. Otherwise take_outcome(), and finish()
    // as finished. If that throws a CancelledError, the task is cancelled; anything else is the exception of
    // what is stored().
    try {
      if (must_cancel_ && !coro_outcome().exception()) return finish(State::cancelled);
      take_outcome();
    } catch (const CancelledError&) {
      return finish(State::cancelled);
    } catch (...) {
      stored().set_exception(std::current_exception());
    }
    finish(State::finished);
    // </exercise>
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
  }

  /// Tasks wait for one another in a circle, this one among them, and so none of them would ever go on. This
  /// one does, with a CancelledError, and the loop's exception handler is told who they are.
  [[gnu::noinline]] void leave_circle() {
    std::string circle = name();
    for (const TaskBase* task = this; circle.size() < 1'000;) {
      task = task->waits_for_->task();
      circle += " waits for " + task->name();
      if (task == this) break;
    }
    must_cancel_ = true;
    if (std::exchange(waits_for_, nullptr)->let_go(*this)) schedule();
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

  CoroFrame coro_;                     // the whole
  std::coroutine_handle<> resume_at_;  // the part of it that waits
  FutureBase* waits_for_ = nullptr;    // the awaiter holds it
  bool begun_ = false;
  bool must_cancel_ = false;  // when it goes on
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
