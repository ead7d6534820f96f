#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "deadline.hpp"
#include "drop_reason.hpp"
#include "errors.hpp"
#include "exception_handler.hpp"
#include "todo.hpp"

namespace concurrent {

/// State of a future. It goes from pending through running to finished, or from pending to cancelled.
enum class FutureState { pending, running, cancelled, finished };

/// Handles the exceptions that escape from done-callbacks. By default it writes a line to stderr.
inline ExceptionHandler& callback_exception_handler() {
  static ExceptionHandler handler;
  return handler;
}

namespace detail {

class CompletionQueue;
class SharedState;

/// Enters a completion queue, once, when the future of `state` is done, also if it is done already. If it is
/// destroyed before that, it never enters. If it is destroyed while it is in the queue, next() must not be
/// called any more. It takes no memory but its own.
class WaitNode {
 public:
  WaitNode(CompletionQueue& queue, std::shared_ptr<SharedState> state);
  WaitNode(const WaitNode&) = delete;
  WaitNode& operator=(const WaitNode&) = delete;
  ~WaitNode();

  const std::shared_ptr<SharedState>& state() const noexcept { return state_; }

  /// Gives away the state of a node that CompletionQueue::next() returned, which needs it no longer.
  std::shared_ptr<SharedState> release() noexcept { return std::move(state_); }

 private:
  friend class CompletionQueue;
  friend class SharedState;

  CompletionQueue& queue_;
  std::shared_ptr<SharedState> state_;
  // For 6.1: members of WaitNode.
};

/// A queue of the futures that a thread waits for and that are done, in the order in which they became done.
class CompletionQueue {
 public:
  /// Waits until a node is in the queue, and takes out the oldest. Only the thread that waits may call it.
  /// @returns null if there is none before the deadline
  WaitNode* next(Deadline deadline) {
    todo("6.1", "CompletionQueue::next");
  }

  // For 6.1: members of CompletionQueue.
};

/// The part of the state shared by a promise and its futures that does not depend on the type of the value.
/// All members may be called from any thread.
class SharedState : public std::enable_shared_from_this<SharedState> {
 public:
  using Callback = std::move_only_function<void(const std::shared_ptr<SharedState>&)>;

  SharedState() = default;
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;

  [[nodiscard]] FutureState state() const {
    todo("1.1", "SharedState::state");
  }
  [[nodiscard]] bool done() const { return is_done(state()); }

  /// Calls `store()`, which keeps the outcome, and makes the future done; what `store()` throws becomes the
  /// outcome. While it runs, under no lock, the future is running, and no other outcome is accepted.
  /// @returns false, without calling `store`, if the future is done or another outcome is being stored
  template <class Store>
  bool complete(Store&& store) {
    todo("1.1", "SharedState::complete");
  }

  /// Makes `error` the outcome. @returns false if the future is done or another outcome is being stored
  bool try_fail(std::exception_ptr error) {
    return complete([&] { error_ = std::move(error); });
  }

  /// Waits until the future is done. @throws TimeoutError if it is not before the deadline
  void wait(Deadline deadline) {
    if (done()) return;
    todo("2.1", "SharedState::wait");
  }

  /// Returns the exception that the future finished with, or null. The future must be done.
  /// @throws CancelledError if it was cancelled
  const std::exception_ptr& error() const {
    if (state() == FutureState::cancelled) throw CancelledError();
    return error_;
  }

  /// Asks to begin the work. @returns false if the future was cancelled: the work must not begin
  /// @throws InvalidStateError if it has begun already
  bool start() {
    todo("3.1", "SharedState::start");
  }

  /// Asks that the work never begin. @returns true if the future is cancelled, by this call or an earlier one
  bool cancel() {
    todo("3.1", "SharedState::cancel");
  }

  /// Makes the future done because no result will come: its promise was dropped. If this thread has a
  /// DropReason, that is the outcome. Without one the future is cancelled or, if its work has begun, finishes
  /// with BrokenPromise.
  void abandon() {
    if (std::exception_ptr reason = DropReason::current())
      try_fail(std::move(reason));
    else if (!cancel())
      try_fail(std::make_exception_ptr(BrokenPromise()));
  }

  /// Calls `callback` when the future is done, on the thread that makes it so; at once, here, if it is done
  /// already.
  void add_callback(Callback callback) {
    todo("4.1", "SharedState::add_callback");
  }

 protected:
  std::exception_ptr error_;  // null, or the exception that is the outcome

 private:
  friend class WaitNode;

  static bool is_done(FutureState state) noexcept {
    return state == FutureState::cancelled || state == FutureState::finished;
  }

  /// Calls a callback, under no lock. What it throws goes to callback_exception_handler().
  static void run_callback(Callback& callback, const std::shared_ptr<SharedState>& state) noexcept {
    try {
      callback(state);
    } catch (...) {
      callback_exception_handler()(std::current_exception());
    }
  }

  // The rest is yours: the tests see only futures and promises.
  // For 1.1: members of SharedState.
  // For 2.1: members of SharedState.
  // For 4.1: members of SharedState.
  // For 6.1: members of SharedState.
};

inline WaitNode::WaitNode(CompletionQueue& queue, std::shared_ptr<SharedState> state)
    : queue_(queue), state_(std::move(state)) {
  todo("6.1", "WaitNode::WaitNode");
}

inline WaitNode::~WaitNode() {
  todo("6.1", "WaitNode::~WaitNode");
}

}  // namespace detail
}  // namespace concurrent
