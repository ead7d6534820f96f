#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <utility>

#include "cancelled_error.hpp"
#include "event_loop.hpp"
#include "task_registry.hpp"
#include "outcome.hpp"
#include "ref.hpp"
#include "todo.hpp"

namespace asyncio {

template <class T = void>
class Future;

namespace detail {

class TaskBase;

template <class T>
Future<T> loop_create_future(EventLoop& loop);

enum class State : std::uint8_t { pending, cancelled, finished };

/// What all copies of a Future share, whatever it is a future of. Who waits for it stands in a queue of nodes
/// that can be run: callbacks, and the tasks themselves. When it is done, that queue goes to the loop.
///
/// It is a node itself. Its references are its handles. Callbacks that wait for it hold none, for then it
/// could not go before they do; it goes through the loop behind them instead.
class FutureBase : public Operation {
 public:
  explicit FutureBase(TaskRegistry& tasks) noexcept : Operation(RefCount::local, true), tasks_(tasks) {}

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool done() const noexcept { return state_ != State::pending; }

  /// Its loop, for as long as that is there, and the loop's tasks.
  [[nodiscard]] TaskRegistry& tasks() const noexcept { return *tasks_; }

  /// Asks for cancellation. @returns whether it was pending
  virtual bool request_cancel() {
    // <exercise 1.2 FutureBase::request_cancel> If it is done(), who wants to cancel it has looked at it:
    // retrieved(), and return false. Otherwise complete() it as cancelled, and return true.
    if (done()) {
      retrieved();
      return false;
    }
    complete(State::cancelled);
    return true;
    // </exercise>
  }

  /// The task that this is the future of; null if it is none.
  virtual TaskBase* task() noexcept { return nullptr; }

  /// The exception that it has finished with; null if there is none.
  [[nodiscard]] virtual std::exception_ptr error() const noexcept = 0;

  /// Adds what is to run when it is done.
  void add_waiter(Ref<Operation> node) noexcept {
    // <exercise 2.1 FutureBase::add_waiter> If it is pending, push the node to the waiters_. If it is done,
    // run_soon() the node.
    if (done())
      run_soon(std::move(node));
    else
      waiters_.push(std::move(node));
    // </exercise>
  }

  /// As add_waiter(), of a node that needs this future when it runs. If the future is done, the node holds
  /// it.
  void add_callback(Ref<Operation> node) noexcept {
    // <exercise 2.2 FutureBase::add_callback> If it is pending, note that it has_callbacks_. Add the node as
    // a waiter.
    if (!done()) has_callbacks_ = true;
    add_waiter(std::move(node));
    // </exercise>
  }

  /// Takes out a node that was added, and destroys its callback. @returns whether it was still there
  bool remove_waiter(Operation& node) noexcept {
    // <exercise 2.3 FutureBase::remove_waiter> Remove it from the waiters_, and cancel() it if it was there.
    const Ref<Operation> removed = waiters_.remove(node);
    if (removed) removed->cancel();
    return bool(removed);
    // </exercise>
  }

  /// Somebody has looked at what it has ended with.
  void retrieved() const noexcept { retrieved_ = true; }

  // Behind its callbacks, there is nothing to do.
  void run() override {}
  void drop() noexcept override {}

 protected:
  ~FutureBase() = default;

  /// It is done. Who waits for it runs soon, in the loop; nobody does in here.
  void complete(State state) noexcept {
    // <exercise 1.1 FutureBase::complete> Set the state_. If it has_callbacks_, it follows them through the
    // loop: push a Ref to it to the waiters_. Then run_soon() all of these.
    state_ = state;
    if (has_callbacks_) waiters_.push(Ref<Operation>(*this));
    if (!waiters_.empty()) run_soon(std::move(waiters_));
    // </exercise>
  }

  /// It is cancelled, and there is no loop any more for those who wait.
  void give_up() noexcept {
    state_ = State::cancelled;
    const ReadyQueue dropped = std::move(waiters_);
  }

  /// Before it is destroyed: an exception that nobody has looked at is reported.
  void report_unless_retrieved(const char* message) const noexcept {
    if (retrieved_) return;
    const std::exception_ptr exception = error();
    if (!exception) return;
    // <exercise 6.1 FutureBase::report_unless_retrieved> Let tasks_ report() the message with the exception.
    tasks_->report(message, exception);
    // </exercise>
  }

  /// Throws if it is done already.
  void check_pending() const {
    if (done()) throw InvalidStateError("the future is done already");
  }

 private:
  /// Hands it to the loop. If that is gone, drops it.
  void run_soon(Ref<Operation> node) noexcept {
    ReadyQueue one;
    one.push(std::move(node));
    run_soon(std::move(one));
  }
  void run_soon(ReadyQueue&& nodes) noexcept {
    ReadyQueue all = std::move(nodes);
    if (EventLoop* loop = tasks_->loop()) loop->run_soon(std::move(all));
  }

  const Ref<TaskRegistry> tasks_;
  ReadyQueue waiters_;
  State state_ = State::pending;
  bool has_callbacks_ = false;
  mutable bool retrieved_ = false;
};

/// … with its outcome.
template <class T>
class FutureCell : public FutureBase {
 public:
  using FutureBase::FutureBase;

  template <class... Value>
  void set_result(Value&&... value) {
    // <exercise 1.3 FutureCell::set_result> check_pending(). Keep the value in outcome_, and complete() it
    // as finished.
    check_pending();
    outcome_.set_value(std::forward<Value>(value)...);
    complete(State::finished);
    // </exercise>
  }

  void set_exception(std::exception_ptr error) {
    // <exercise 1.4 FutureCell::set_exception> Without an error, throw a std::invalid_argument.
    // check_pending(). Keep the error in outcome_, and complete() it as finished.
    if (!error) throw std::invalid_argument("the exception of a future must not be null");
    check_pending();
    outcome_.set_exception(std::move(error));
    complete(State::finished);
    // </exercise>
  }

  /// What it has ended with, to be looked at or taken.
  /// @throws CancelledError if it is cancelled, InvalidStateError if it is pending
  Outcome<T>& outcome() {
    // <exercise 1.5 FutureCell::outcome> If it is cancelled, throw a CancelledError. If it is pending, throw
    // an InvalidStateError "the result is not set". Otherwise it is retrieved(): return outcome_.
    if (state() == State::cancelled) throw CancelledError();
    if (state() == State::pending) throw InvalidStateError("the result is not set");
    retrieved();
    return outcome_;
    // </exercise>
  }

  [[nodiscard]] std::exception_ptr error() const noexcept override { return outcome_.exception(); }

  void destroy() noexcept override {
    this->report_unless_retrieved("Future exception was never retrieved");
    this->FutureCell::~FutureCell();  // of this class alone: a task has a destroy() of its own
  }
  [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(Future<T>); }

 protected:
  Outcome<T> outcome_;
};

}  // namespace detail

}  // namespace asyncio
