#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

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

/// The state that all copies of a Future share, whatever its type. Those who wait for it are nodes that the
/// loop can run: callbacks, and the tasks themselves.
///
/// It is a node itself, and its references are its handles.
class FutureBase : public Operation {
 public:
  explicit FutureBase(TaskRegistry& tasks) noexcept : Operation(RefCount::local, true), tasks_(tasks) {}

  [[nodiscard]] State state() const noexcept { return state_; }
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

  /// Adds a node that waits until this is done. It hears of that at once, by Operation::notify(), and what it
  /// gives for itself runs soon. If this is done already, it is not told, and runs soon itself. Nothing runs
  /// in here.
  void add_waiter(Ref<Operation> node) {
    if (done())
      run_soon(std::move(node));
    else
      keep_waiting(std::move(node));
  }

  /// As add_waiter(), for a node that wants to be told. Step 8 makes something of the difference.
  void add_callback(Ref<Operation> node) { add_waiter(std::move(node)); }

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
  void retrieved() const noexcept { retrieved_ = true; }

  // Counted on the loop's thread alone, which is known when this is compiled.
  void ref() noexcept { ref_local(); }
  void unref() noexcept { unref_local(); }

  // A future of nobody's work never runs.
  void run() override {}
  void drop() noexcept override {}

 protected:
  ~FutureBase() {
    // <exercise 2.1 quiet FutureBase::~FutureBase>
    // A node that is let go for good is dropped: only then is its callback destroyed.
    for (const Ref<Operation>& waiter : waiters_) waiter->drop();
    // </exercise>
  }

  /// Ends it, which was pending. Those who wait for it run soon, in the loop, and not in here.
  void complete(State state) noexcept {
    state_ = state;
    // <exercise 2.1 quiet FutureBase::complete>
    for (Ref<Operation>& waiter : std::exchange(waiters_, {}))
      if (Ref<Operation> node = tell(std::move(waiter))) run_soon(std::move(node));
    // </exercise>
  }

  /// Reports an exception that nobody has looked at. For destroy().
  void report_unless_retrieved(const char* message) noexcept {
    if (retrieved_ || !error()) return;
    // <exercise 6.1 FutureBase::report_unless_retrieved>
    tasks_->report(message, error());
    // </exercise>
  }

  /// Hands it to the loop. If that is gone, drops it.
  void run_soon(Ref<Operation> node) noexcept {
    if (EventLoop* loop = tasks_->loop())
      loop->run_soon(std::move(node));
    else
      node->drop();
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
  /// Keeps a node that waits, behind all others.
  void keep_waiting(Ref<Operation> node) {
    // <exercise 2.1 FutureBase::keep_waiting>
    waiters_.push_back(std::move(node));
    // </exercise>
  }

  /// Takes a node out of those that wait. @returns it; null if it is not there
  Ref<Operation> take_out(Operation& node) noexcept {
    // <exercise 2.1 FutureBase::take_out>
    const auto found =
        std::ranges::find_if(waiters_, [&](const Ref<Operation>& waiter) { return waiter.get() == &node; });
    if (found == waiters_.end()) return nullptr;
    Ref<Operation> taken = std::move(*found);
    waiters_.erase(found);
    return taken;
    // </exercise>
  }

  // <exercise 2.1 members FutureBase>
  /// Tells a node that this is done. @returns what the loop is to run for it; null for nothing
  static Ref<Operation> tell(Ref<Operation> waiter) noexcept {
    Operation& node = *waiter;
    return node.notify(std::move(waiter));
  }

  std::vector<Ref<Operation>> waiters_;
  // </exercise>

  State state_ = State::pending;
  mutable bool retrieved_ = false;  // somebody has looked at the outcome
  const Ref<TaskRegistry> tasks_;
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
