#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>

#include "cancelled_error.hpp"
#include "coro.hpp"
#include "future_cell.hpp"
#include "task_registry.hpp"
#include "todo.hpp"

namespace asyncio {

template <class T = void>
class Task;

namespace detail {

/// What drives a coroutine through a loop, whatever it returns: it runs a step when the loop calls it, from
/// where the coroutine waits to where it waits next.
class TaskBase : public PendingTask {
 public:
  /// @param future the same task, as a future
  TaskBase(FutureBase& future, std::coroutine_handle<> coro, std::string name)
      : future_(future),
        coro_(coro),
        resume_at_(coro),
        number_(future.tasks().next_number()),
        name_(std::move(name)) {
    future.tasks().add(*this);
  }

  /// The one that runs on this thread; null if none does.
  static TaskBase* current() noexcept { return current_; }

  /// The one that runs, for what can be awaited in a task alone.
  static TaskBase& running() {
    if (current_) return *current_;
    throw std::runtime_error("this can be awaited only in a task");
  }

  [[nodiscard]] FutureBase& future() const noexcept { return future_; }

  // ---- For what it awaits.

  /// The coroutine waits, at `waiting`, until `future` is done.
  /// @throws std::runtime_error if that would never be
  void wait_for(FutureBase& future, std::coroutine_handle<> waiting) {
    // <exercise 3.1 TaskBase::wait_for> Throw a std::runtime_error "Task cannot await on itself" if it would,
    // and "Task got Future attached to a different loop" if the future's tasks() are not those of this task's
    // future_. Otherwise this is where to resume_at_, and the future is what it waits_for_. Add the task's
    // future_, a Ref to it, to the future as a waiter. If the task was cancelled meanwhile (must_cancel_) and
    // the future can be, that is how it gets to know, and must_cancel_ is over.
    if (&future == &future_) throw std::runtime_error("Task cannot await on itself");
    if (&future.tasks() != &future_.tasks())
      throw std::runtime_error("Task got Future attached to a different loop");
    resume_at_ = waiting;
    waits_for_ = &future;
    future.add_waiter(Ref(future_));
    if (must_cancel_ && future.request_cancel()) must_cancel_ = false;
    // </exercise>
  }

  /// The coroutine waits, at `waiting`, for the next pass.
  void yield(std::coroutine_handle<> waiting) noexcept {
    // <exercise 4.1 TaskBase::yield> This is where to resume_at_. Let the loop that is running() run_soon()
    // the task's future_, a Ref to it.
    resume_at_ = waiting;
    EventLoop::running()->run_soon(Ref(future_));
    // </exercise>
  }

  /// The coroutine goes on after it has waited.
  /// @throws CancelledError if it is to
  void throw_if_cancelled() {
    // <exercise 3.2 TaskBase::throw_if_cancelled> If it must_cancel_, that is over: throw a CancelledError.
    if (std::exchange(must_cancel_, false)) throw CancelledError();
    // </exercise>
  }

  // ---- For its handles.

  /// Asks the innermost of what it waits for to be cancelled. @returns false if it is done
  bool request_cancel() {
    // <exercise 5.1 TaskBase::request_cancel> If its future_ is done(), who wants to cancel it has looked at
    // it: it is retrieved(), and return false. From here inwards, count one of the cancel_requests_ of each
    // task; as long as what it waits_for_ is a task() that is not done, that is the next. At the innermost,
    // if it waits_for_ something that can be cancelled by request_cancel(), that is enough. Otherwise it
    // must_cancel_. Return true. (In a loop: chains of tasks may be long.)
    if (future_.done()) {
      future_.retrieved();
      return false;
    }
    TaskBase* innermost = this;
    while (true) {
      ++innermost->cancel_requests_;
      FutureBase* const awaited = innermost->waits_for_;
      TaskBase* const next = awaited ? awaited->task() : nullptr;
      if (next && !awaited->done()) {
        innermost = next;
      } else {
        if (!awaited || !awaited->request_cancel()) innermost->must_cancel_ = true;
        return true;
      }
    }
    // </exercise>
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

  [[nodiscard]] std::string name() const { return name_.empty() ? "Task-" + std::to_string(number_) : name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  /// It goes to the loop, which runs its next step.
  void schedule() noexcept {
    if (EventLoop* loop = future_.tasks().loop()) loop->run_soon(Ref(future_));
  }

 protected:
  ~TaskBase() = default;

  enum class Step : unsigned char {
    waits,       ///< the coroutine waits for something
    ended,       ///< it has ended
    cancelled,   ///< it was cancelled before it could begin
    unsupported  ///< it waits for something that a task knows nothing of
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
    if (coro_.done()) return Step::ended;
    return resume_at_ ? Step::waits : Step::unsupported;
    // </exercise>
  }

  /// Whether a cancellation has come too late for the coroutine to see.
  [[nodiscard]] bool must_cancel() const noexcept { return must_cancel_; }

 private:
  /// As long as it lives, the task is the current one.
  class Current {
   public:
    explicit Current(TaskBase& task) noexcept : before_(std::exchange(current_, &task)) {}
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    ~Current() { current_ = before_; }

   private:
    TaskBase* const before_;
  };

  static inline thread_local constinit TaskBase* current_ = nullptr;

  FutureBase& future_;
  const std::coroutine_handle<> coro_;  // the whole
  std::coroutine_handle<> resume_at_;   // the part of it that waits
  FutureBase* waits_for_ = nullptr;     // the awaiter holds it
  bool begun_ = false;
  bool must_cancel_ = false;  // when it goes on
  std::size_t cancel_requests_ = 0;
  const std::size_t number_;
  std::string name_;  // empty: after its number
};

/// A task: a future whose outcome is that of a coroutine.
template <class T>
class TaskCell final : public FutureCell<T>, public TaskBase {
 public:
  /// It has a reference of the loop's tasks, besides the first one.
  TaskCell(TaskRegistry& tasks, Coro<T> coro, std::string name)
      : FutureCell<T>(tasks), TaskBase(*this, coro.handle(), std::move(name)), coro_(std::move(coro)) {
    this->ref();
  }

  bool request_cancel() override { return TaskBase::request_cancel(); }
  TaskBase* task() noexcept override { return this; }

  /// Runs a step. If the task is done, it was kept for its callbacks.
  void run() override {
    if (this->done()) return;
    switch (this->step()) {
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

  void abandon() noexcept override {
    this->retrieved();
    this->tasks().report("Task was destroyed but it is pending!", nullptr);
    this->give_up();  // first, for what is destroyed may want to cancel it
    { const Coro<T> gone = std::move(coro_); }
    this->unref();
  }

  void destroy() noexcept override {
    this->report_unless_retrieved("Task exception was never retrieved");
    std::destroy_at(this);
  }
  [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(Task<T>); }

 private:
  // The two are not inlined, so that run() stays small: half a nanosecond less for each switch of tasks.

  /// The coroutine has ended: so does the task, with its outcome.
  [[gnu::noinline]] void end() noexcept {
    // <exercise 3.4 TaskCell::end> If the coroutine's outcome() is a value: finish() as cancelled if the
    // task must_cancel(), for then the value is lost; otherwise take() the value, set it as outcome_, and
    // finish() as finished. What it throws instead is the outcome_, and the task is finished; but with a
    // CancelledError it is cancelled, and the outcome_ stays empty.
    try {
      if (this->must_cancel() && !coro_.outcome().exception()) return finish(State::cancelled);
      if constexpr (std::is_void_v<T>) {
        coro_.outcome().take();
        this->outcome_.set_value();
      } else {
        this->outcome_.set_value(coro_.outcome().take());
      }
    } catch (const CancelledError&) {
      return finish(State::cancelled);
    } catch (...) {
      this->outcome_.set_exception(std::current_exception());
    }
    finish(State::finished);
    // </exercise>
  }

  /// Nobody would ever resume the coroutine: the task fails.
  [[gnu::noinline]] void fail_unsupported_await() noexcept {
    this->outcome_.set_exception(std::make_exception_ptr(
        std::runtime_error("the task awaits something that is neither a Future nor a Coro")));
    finish(State::finished);
  }

  /// It is done, and its loop need not keep it any more.
  void finish(State state) noexcept {
    this->tasks().remove(*this);
    { const Coro<T> gone = std::move(coro_); }
    this->complete(state);
    this->unref();
  }

  Coro<T> coro_;
};

}  // namespace detail

}  // namespace asyncio
