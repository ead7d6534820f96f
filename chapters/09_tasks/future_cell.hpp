#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <utility>

#include "cancelled_error.hpp"
#include "event_loop.hpp"
#include "outcome.hpp"
#include "ref.hpp"
#include "task_registry.hpp"
#include "todo.hpp"

namespace asyncio {

template <class T = void>
class Future;

namespace detail {

class TaskBase;

template <class T>
Future<T> loop_create_future(EventLoop& loop);

enum class State : std::uint8_t { pending, cancelled, finished };

/// The state that all copies of a Future share, whatever its type. Those who wait for it stand in a queue of
/// nodes that can be run: callbacks, and the tasks themselves. When it is done, that queue goes to the loop.
///
/// It is a node itself. Its references are its handles. Callbacks that wait for it have none, for then it
/// could not go before they do. When it is done, they are told, and take one until they run.
class FutureBase : public Operation {
 public:
  explicit FutureBase(TaskRegistry& tasks) noexcept : Operation(RefCount::local, true), tasks_(tasks) {}

  [[nodiscard]] State state() const noexcept { return flags_.state; }
  [[nodiscard]] bool done() const noexcept { return state() != State::pending; }

  /// Returns the registry of its loop's tasks, which knows the loop for as long as that lives.
  [[nodiscard]] TaskRegistry& tasks() const noexcept { return *tasks_; }

  /// Asks for cancellation. @returns true if it was pending
  virtual bool request_cancel() {
    // TODO 1.2: If it is done(), who wants to cancel it has looked at it:
    // retrieved(), and return false. Otherwise complete() it as cancelled, and return true.
    todo("1.2", "FutureBase::request_cancel");
  }

  /// Returns this as a task; null if it is none.
  virtual TaskBase* task() noexcept { return nullptr; }

  /// Returns the place of the outcome.
  [[nodiscard]] virtual AnyOutcome& stored() noexcept = 0;
  template <class T>
  [[nodiscard]] Outcome<T>& stored() noexcept {
    return static_cast<Outcome<T>&>(stored());
  }

  /// The exception that it has finished with; null if there is none.
  [[nodiscard]] const std::exception_ptr& error() noexcept { return stored().exception(); }

  /// Ends it with what a T is made from.
  template <class T, class... Value>
  void set_result(Value&&... value) {
    // TODO 1.3: check_pending(). Set the value, forwarded, in the outcome that is
    // stored<T>(), and complete() it as finished.
    todo("1.3", "FutureBase::set_result");
  }

  void set_exception(std::exception_ptr error) {
    // TODO 1.4: Without an error, throw a std::invalid_argument.
    // check_pending(). Set the error in the outcome that is stored(), and complete() it as finished.
    todo("1.4", "FutureBase::set_exception");
  }

  /// Returns the outcome, to be looked at or taken.
  /// @throws CancelledError if it is cancelled, InvalidStateError if it is pending
  template <class T>
  Outcome<T>& outcome() {
    check_result();
    return stored<T>();
  }

  /// Adds what is to run when it is done.
  void add_waiter(Ref<Operation> node) noexcept {
    // TODO 2.1: If it is pending, push the node to the waiters_. If it is done,
    // run_soon() the node.
    todo("2.1", "FutureBase::add_waiter");
  }

  /// Adds a node that needs this future when it runs. If the future is done already, the node has a reference
  /// to it.
  void add_callback(Ref<Operation> node) noexcept {
    // TODO 2.2: If it is pending, note in the flags_ that it has_callbacks. Add
    // the node as a waiter.
    todo("2.2", "FutureBase::add_callback");
  }

  /// Takes out a node that was added, and destroys its callback. @returns true if it was still there
  bool remove_waiter(Operation& node) noexcept {
    // TODO 2.3: Remove it from the waiters_, and cancel() it if it was there.
    todo("2.3", "FutureBase::remove_waiter");
  }

  /// Takes out a task that waits, and leaves it as it is. @returns true if it was there
  bool let_go(Operation& waiter) noexcept { return bool(waiters_.remove(waiter)); }

  /// Notes that somebody has looked at the outcome.
  void retrieved() const noexcept { flags_.retrieved = true; }

  // Counted on the loop's thread alone, which is known when this is compiled.
  void ref() noexcept { ref_local(); }
  void unref() noexcept { unref_local(); }

  // A future of nobody's work never runs.
  void run() override {}
  void drop() noexcept override {}

 protected:
  ~FutureBase() = default;

  /// Ends it. Those who wait for it run soon, in the loop, and not in here.
  void complete(State state) noexcept {
    // TODO 1.1: Set the state in the flags_. If these say that it
    // has_callbacks, notify() them. Then run_soon() all the waiters_.
    todo("1.1", "FutureBase::complete");
  }

  /// Cancels it, and drops those who wait: there is no loop any more that could run them.
  void cancel_without_loop() noexcept {
    flags_.state = State::cancelled;
    if (flags_.has_callbacks) notify();
    while (const Ref<Operation> node = waiters_.pop()) node->drop();
  }

  /// Reports an exception that nobody has looked at. For destroy().
  void report_unless_retrieved(const char* message) noexcept {
    if (flags_.retrieved || !error()) return;
    // TODO 6.1: Let tasks_ report() the message with the error().
    todo("6.1", "FutureBase::report_unless_retrieved");
  }

  /// Hands it to the loop. If that is gone, drops it.
  void run_soon(Ref<Operation> node) noexcept {
    ReadyQueue one;
    one.push(std::move(node));
    run_soon(std::move(one));
  }

  void check_pending() const {
    if (done()) throw InvalidStateError("the future is done already");
  }

  void check_result() const {
    // TODO 1.5: If it is cancelled, throw a CancelledError. If it is pending,
    // throw an InvalidStateError "the result is not set". Otherwise it is retrieved().
    todo("1.5", "FutureBase::check_result");
  }

 private:
  /// Tells those who wait that it is done. What each gives for itself takes its place: another node, or
  /// none.
  void notify() noexcept {
    ReadyQueue told;
    while (Ref<Operation> waiter = waiters_.pop()) {
      Operation& node = *waiter;
      if (Ref<Operation> next = node.notify(std::move(waiter))) told.push(std::move(next));
    }
    waiters_ = std::move(told);
  }

  /// As run_soon(), all of them.
  void run_soon(ReadyQueue&& nodes) noexcept {
    ReadyQueue all = std::move(nodes);
    if (EventLoop* loop = tasks_->loop()) loop->run_soon(std::move(all));
  }

  // Bits of the one byte that an Operation leaves: a million tasks that sleep are as many futures.
  struct Flags {
    State state : 2;
    bool has_callbacks : 1;
    bool retrieved : 1;
  };

  mutable Flags flags_{};
  const Ref<TaskRegistry> tasks_;
  ReadyQueue waiters_;
};

/// A `Base`, FutureBase or what derives from it, plus the stored outcome: a future of a T.
template <class T, class Base = FutureBase>
class FutureCell : public Base {
 public:
  using Base::Base;

  using Base::stored;
  [[nodiscard]] AnyOutcome& stored() noexcept final { return outcome_; }

  void destroy() noexcept override {
    this->report_unless_retrieved("Future exception was never retrieved");
    this->FutureCell::~FutureCell();  // of this class alone: what derives from it has a destroy() of its own
  }
  [[nodiscard]] const std::type_info& type() const noexcept override { return typeid(Future<T>); }

 private:
  Outcome<T> outcome_;
};

}  // namespace detail

}  // namespace asyncio
