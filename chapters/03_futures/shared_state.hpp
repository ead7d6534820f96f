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

class SharedState;
class WaitNode;

/// A queue of the futures that a thread waits for and that are done, in the order in which they became done.
class CompletionQueue {
 public:
  /// Waits until a node is in the queue, and takes out the oldest.
  /// @returns null if there is none before the deadline
  WaitNode* next(Deadline deadline);

  /// Appends `node` and wakes the thread that waits.
  void push(WaitNode& node);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  WaitNode* incoming_ = nullptr;  // those pushed since the thread last looked, the newest first
  WaitNode* ready_ = nullptr;     // those before them, the oldest first; only the waiting thread uses it
};

/// Enters a completion queue, once, when the future of `state` is done, also if it is done already. Destroyed
/// before that, it never enters. It allocates nothing, because it is itself the node of the list in which it
/// stands: first the state's, then the queue's.
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
  WaitNode* next_ = nullptr;
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
    std::lock_guard lock(mutex_);
    return state_;
  }
  [[nodiscard]] bool done() const { return is_done(state()); }

  /// Calls `store()`, which keeps the outcome, and makes the future done; what `store()` throws becomes the
  /// outcome. While it runs, under no lock, the future is running, and no other outcome is accepted. In the
  /// end announces that the future is done.
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

  /// Goes from pending to running. @returns false if the future was cancelled
  /// @throws InvalidStateError if its work has begun already
  bool start() {
    todo("3.1", "SharedState::start");
  }

  /// Goes from pending to cancelled. @returns true if the future is cancelled, by this call or an earlier one
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
  std::exception_ptr error_;

 private:
  friend class WaitNode;

  static bool is_done(FutureState state) noexcept {
    return state == FutureState::cancelled || state == FutureState::finished;
  }

  /// Announces that the future is done: first to the threads that wait (step 2) and to the queues of those
  /// that wait for several (step 6), then, without the lock, to the callbacks, in the order in which they
  /// were added (step 4). Called once, by whoever made the future done, who still holds the lock.
  void publish([[maybe_unused]] std::unique_lock<std::mutex> lock) {
    // 2.1, SharedState::publish: empty until step 2.
  }

  /// Calls a callback, under no lock. What it throws goes to callback_exception_handler().
  static void run_callback(Callback& callback, const std::shared_ptr<SharedState>& state) noexcept {
    try {
      callback(state);
    } catch (...) {
      callback_exception_handler()(std::current_exception());
    }
  }

  /// Puts `node` into the list of those to tell, or, if the future is done, into its queue at once. (Step 6)
  void add(WaitNode& node) {
    std::lock_guard lock(mutex_);
    if (is_done(state_)) return node.queue_.push(node);
    node.next_ = std::exchange(nodes_, &node);
  }

  /// Takes `node` out of the list, wherever it stands, if it is still there. (Step 6)
  void remove(WaitNode& node) noexcept {
    std::lock_guard lock(mutex_);
    WaitNode** link = &nodes_;
    while (*link && *link != &node) link = &(*link)->next_;
    if (*link) *link = node.next_;
  }

  // A suggestion. All that is private is yours to change: the tests see only futures and promises.
  mutable std::mutex mutex_;             // guards all below
  std::condition_variable became_done_;  // where wait() sleeps
  FutureState state_ = FutureState::pending;
  // For 1.1: members of your choice, if you want any.
  std::vector<Callback> callbacks_;  // those to call, in order
  WaitNode* nodes_ = nullptr;        // those to tell, the newest first
};

inline WaitNode::WaitNode(CompletionQueue& queue, std::shared_ptr<SharedState> state)
    : queue_(queue), state_(std::move(state)) {
  state_->add(*this);
}

inline WaitNode::~WaitNode() {
  if (state_) state_->remove(*this);
}

inline WaitNode* CompletionQueue::next(Deadline deadline) {
  if (!ready_) {
    std::unique_lock lock(mutex_);
    if (!wait_until(arrived_, lock, deadline, [this] { return incoming_ != nullptr; })) return nullptr;
    for (WaitNode* node = std::exchange(incoming_, nullptr); node;) {
      WaitNode& current = *std::exchange(node, node->next_);
      current.next_ = std::exchange(ready_, &current);
    }
  }
  return std::exchange(ready_, ready_->next_);
}

inline void CompletionQueue::push(WaitNode& node) {
  std::lock_guard lock(mutex_);
  node.next_ = std::exchange(incoming_, &node);
  arrived_.notify_one();
}

}  // namespace detail
}  // namespace concurrent
