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
  // <exercise 6.1 members WaitNode>
  WaitNode* next_ = nullptr;  // in the list in which it stands: first the state's, then the queue's
  // </exercise>
};

/// A queue of the futures that a thread waits for and that are done, in the order in which they became done.
class CompletionQueue {
 public:
  /// Waits until a node is in the queue, and takes out the oldest. Only the thread that waits may call it.
  /// @returns null if there is none before the deadline
  WaitNode* next(Deadline deadline) {
    // <exercise 6.1 CompletionQueue::next>
    if (!ready_) {
      std::unique_lock lock(mutex_);
      if (!wait_until(arrived_, lock, deadline, [this] { return incoming_ != nullptr; })) return nullptr;
      for (WaitNode* node = std::exchange(incoming_, nullptr); node;) {
        WaitNode& current = *std::exchange(node, node->next_);
        current.next_ = std::exchange(ready_, &current);
      }
    }
    return std::exchange(ready_, ready_->next_);
    // </exercise>
  }

  // <exercise 6.1 members CompletionQueue>
  /// Appends `node` and wakes the thread that waits.
  void push(WaitNode& node) {
    std::lock_guard lock(mutex_);  // and notify under it: once it is free, the queue may be gone
    node.next_ = std::exchange(incoming_, &node);
    arrived_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  WaitNode* incoming_ = nullptr;  // those pushed since the thread last looked, the newest first
  WaitNode* ready_ = nullptr;     // those before them, the oldest first; only the waiting thread uses it
  // </exercise>
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
    // <exercise 1.1 SharedState::state>
    std::lock_guard lock(mutex_);
    return state_;
    // </exercise>
  }
  [[nodiscard]] bool done() const { return is_done(state()); }

  /// Calls `store()`, which keeps the outcome, and makes the future done; what `store()` throws becomes the
  /// outcome. While it runs, under no lock, the future is running, and no other outcome is accepted.
  /// @returns false, without calling `store`, if the future is done or another outcome is being stored
  template <class Store>
  bool complete(Store&& store) {
    // <exercise 1.1 SharedState::complete>
    {
      std::lock_guard lock(mutex_);
      if (storing_ || is_done(state_)) return false;
      storing_ = true;
      state_ = FutureState::running;
    }
    // The value's constructors are user code: they run without the lock.
    try {
      std::forward<Store>(store)();
    } catch (...) {
      error_ = std::current_exception();
    }
    std::unique_lock lock(mutex_);
    state_ = FutureState::finished;
    publish(std::move(lock));
    return true;
    // </exercise>
  }

  /// Makes `error` the outcome. @returns false if the future is done or another outcome is being stored
  bool try_fail(std::exception_ptr error) {
    return complete([&] { error_ = std::move(error); });
  }

  /// Waits until the future is done. @throws TimeoutError if it is not before the deadline
  void wait(Deadline deadline) {
    if (done()) return;
    // <exercise 2.1 SharedState::wait>
    std::unique_lock lock(mutex_);
    if (!wait_until(became_done_, lock, deadline, [this] { return is_done(state_); }))
      throw TimeoutError("the future is not done yet");
    // </exercise>
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
    // <exercise 3.1 SharedState::start>
    std::lock_guard lock(mutex_);
    if (state_ == FutureState::cancelled) return false;
    if (state_ != FutureState::pending)
      throw InvalidStateError("the future is not pending: its work has begun already");
    state_ = FutureState::running;
    return true;
    // </exercise>
  }

  /// Asks that the work never begin. @returns true if the future is cancelled, by this call or an earlier one
  bool cancel() {
    // <exercise 3.1 SharedState::cancel>
    std::unique_lock lock(mutex_);
    if (state_ != FutureState::pending) return state_ == FutureState::cancelled;
    state_ = FutureState::cancelled;
    publish(std::move(lock));
    return true;
    // </exercise>
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
    // <exercise 4.1 SharedState::add_callback>
    {
      std::lock_guard lock(mutex_);
      if (!is_done(state_)) return callbacks_.push_back(std::move(callback));
    }
    run_callback(callback, shared_from_this());
    // </exercise>
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
  // <exercise 1.1 members SharedState>
  mutable std::mutex mutex_;  // guards all below
  FutureState state_ = FutureState::pending;
  bool storing_ = false;  // a thread stores an outcome just now
  // </exercise>
  // <exercise 2.1 members SharedState>
  std::condition_variable became_done_;  // where wait() sleeps
  // </exercise>
  // <exercise 4.1 members SharedState>
  std::vector<Callback> callbacks_;  // those to call, in order
  // </exercise>
  // <exercise 6.1 members SharedState>
  WaitNode* nodes_ = nullptr;  // those to tell, the newest first

  /// Puts `node` into the list of those to tell, or, if the future is done, into its queue at once.
  void add(WaitNode& node) {
    std::lock_guard lock(mutex_);
    if (is_done(state_)) return node.queue_.push(node);
    node.next_ = std::exchange(nodes_, &node);
  }

  /// Takes `node` out of the list, wherever it stands, if it is still there.
  void remove(WaitNode& node) noexcept {
    std::lock_guard lock(mutex_);
    WaitNode** link = &nodes_;
    while (*link && *link != &node) link = &(*link)->next_;
    if (*link) *link = node.next_;
  }
  // </exercise>
  // <exercise 1.1 members SharedState>

  /// Announces that the future is done: first to the threads that wait (step 2) and to the queues of those
  /// that wait for several (step 6), then, without the lock, to the callbacks, in the order in which they
  /// were added (step 4). Called once, by whoever made the future done, who still holds the lock.
  void publish([[maybe_unused]] std::unique_lock<std::mutex> lock) {
    // </exercise>
    // <exercise 2.1 members SharedState>
    became_done_.notify_all();
    // </exercise>
    // <exercise 6.1 members SharedState>
    for (WaitNode* node = std::exchange(nodes_, nullptr); node;) {
      WaitNode& current = *std::exchange(node, node->next_);  // once it is pushed, it may be gone
      current.queue_.push(current);
    }
    // </exercise>
    // <exercise 4.1 members SharedState>
    std::vector<Callback> callbacks = std::exchange(callbacks_, {});
    lock.unlock();
    if (callbacks.empty()) return;
    // Callbacks run in one another, each set off by the one before. Those that are too deep are put off until
    // the outermost are over, so that a long chain takes little stack.
    thread_local int depth = 0;
    thread_local std::vector<std::pair<std::shared_ptr<SharedState>, std::vector<Callback>>> put_off;
    if (depth == 50) {
      put_off.emplace_back(shared_from_this(), std::move(callbacks));
      return;
    }
    ++depth;
    const auto self = shared_from_this();  // a callback may drop the last handle
    for (Callback& callback : callbacks) run_callback(callback, self);
    while (depth == 1 && !put_off.empty()) {
      auto batch = std::exchange(put_off, {});
      for (auto& [state, late] : batch)
        for (Callback& callback : late) run_callback(callback, state);
    }
    --depth;
    // </exercise>
    // <exercise 1.1 members SharedState>
  }
  // </exercise>
};

inline WaitNode::WaitNode(CompletionQueue& queue, std::shared_ptr<SharedState> state)
    : queue_(queue), state_(std::move(state)) {
  // <exercise 6.1 WaitNode::WaitNode>
  state_->add(*this);
  // </exercise>
}

inline WaitNode::~WaitNode() {
  // <exercise 6.1 WaitNode::~WaitNode>
  if (state_) state_->remove(*this);
  // </exercise>
}

}  // namespace detail
}  // namespace concurrent
