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

  /// Cancels it, if it is pending. Nothing runs in here. Of a task this is a request (step 5).
  /// @returns false if it is done, which counts as having looked at its outcome
  virtual bool request_cancel() {
    if (done()) {
      retrieved();
      return false;
    }
    complete(State::cancelled);
    return true;
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

  /// Ends it with what a T is made from. If making the T throws, the future stays pending.
  /// @throws InvalidStateError if it is done
  template <class T, class... Value>
  void set_result(Value&&... value) {
    // <exercise 1.1 FutureBase::set_result>
    check_pending();
    stored<T>().set_value(std::forward<Value>(value)...);
    complete(State::finished);
    // </exercise>
  }

  /// Ends it with an exception.
  /// @throws InvalidStateError if it is done; std::invalid_argument if `error` is null
  void set_exception(std::exception_ptr error) {
    if (!error) throw std::invalid_argument("the exception of a future must not be null");
    check_pending();
    stored().set_exception(std::move(error));
    complete(State::finished);
  }

  /// Returns the outcome, to be looked at or taken: that counts as a look.
  /// @throws CancelledError if it is cancelled, InvalidStateError if it is pending
  template <class T>
  Outcome<T>& outcome() {
    // <exercise 1.1 FutureBase::outcome>
    check_result();
    return stored<T>();
    // </exercise>
  }

  /// Adds a node that is to run when this is done: soon, if it is done already. Nothing runs in here.
  void add_waiter(Ref<Operation> node) noexcept {
    if (done())
      run_soon(std::move(node));
    else
      keep_waiting(std::move(node));
  }

  /// Adds a node that wants to be told at the very moment when the future is done, by Operation::notify():
  /// for instance, because it needs the future when it runs. If the future is done already, the node has a
  /// reference to it.
  void add_callback(Ref<Operation> node) noexcept {
    if (!done()) flags_.has_callbacks = true;  // tasks need not be told, and so a queue of them is not walked
    add_waiter(std::move(node));
  }

  /// Takes out a node that was added, and cancels it, which destroys its callback.
  /// @returns false if it was not there, or is on its way already
  bool remove_waiter(Operation& node) noexcept {
    const Ref<Operation> removed = take_out(node);
    if (removed) removed->cancel();
    return bool(removed);
  }

  /// Takes out a node that waits, and leaves it as it is. @returns true if it was there
  bool let_go(Operation& waiter) noexcept { return bool(take_out(waiter)); }

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

  /// Ends it, which was pending. Those who wait for it run soon, in the loop, and not in here.
  void complete(State state) noexcept {
    // <exercise 8.1 FutureBase::complete>
    flags_.state = state;
    if (flags_.has_callbacks) tell_callbacks();
    if (!waiters_.empty()) run_soon(std::move(waiters_));
    // </exercise>
  }

  /// Reports an exception that nobody has looked at. For destroy().
  void report_unless_retrieved(const char* message) noexcept {
    if (flags_.retrieved || !error()) return;
    // <exercise 6.1 FutureBase::report_unless_retrieved>
    tasks_->report(message, error());
    // </exercise>
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

  // <exercise 1.1 members FutureBase, if you want any>
  /// Refuses if there is no outcome that somebody could look at.
  /// @throws CancelledError if it is cancelled, InvalidStateError if it is pending
  void check_result() const {
    if (state() == State::cancelled) throw CancelledError();
    if (state() == State::pending) throw InvalidStateError("the result is not set");
    retrieved();
  }
  // </exercise>

 private:
  // <exercise 8.1 members FutureBase>
  /// Keeps a node that waits, behind all others.
  void keep_waiting(Ref<Operation> node) noexcept { waiters_.push(std::move(node)); }

  /// Takes a node out of those that wait. @returns it; null if it is not there
  Ref<Operation> take_out(Operation& node) noexcept { return waiters_.remove(node); }

  /// Tells those who wait that it is done. What each gives for itself takes its place: another node, or
  /// none.
  void tell_callbacks() noexcept {
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
  // </exercise>
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
