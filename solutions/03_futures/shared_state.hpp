#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
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
///
/// The phase is an atomic, so reading it takes no lock. The thread that has the outcome claims the state
/// first, or is the job of a call that it has started, so only one thread ever writes it. The lock is for the
/// two lists, and for the moment in which the future becomes done.
class SharedState : public std::enable_shared_from_this<SharedState> {
 public:
  using Callback = std::move_only_function<void(const std::shared_ptr<SharedState>&)>;

  SharedState() = default;
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;

  [[nodiscard]] FutureState state() const noexcept {
    switch (phase_.load(std::memory_order_acquire)) {
      case Phase::pending:
        return FutureState::pending;
      case Phase::cancelled:
        return FutureState::cancelled;
      case Phase::finished:
        return FutureState::finished;
      default:
        return FutureState::running;
    }
  }
  [[nodiscard]] bool done() const noexcept {
    const FutureState now = state();
    return now == FutureState::cancelled || now == FutureState::finished;
  }

  /// Calls `store()`, which keeps the outcome, and makes the future done; what `store()` throws becomes the
  /// outcome. While it runs, under no lock, the future is running, and no other outcome is accepted.
  /// @returns false, without calling `store`, if the future is done or another outcome is being stored
  template <class Store>
  bool complete(Store&& store) {
    // <exercise 1.1 SharedState::complete>
    if (!try_claim()) return false;
    try {
      std::forward<Store>(store)();
    } catch (...) {
      error_ = std::current_exception();
    }
    finish();
    return true;
    // </exercise>
  }

  /// Makes `error` the outcome. @returns false if the future is done or another outcome is being stored
  bool try_fail(std::exception_ptr error) {
    return complete([&] { error_ = std::move(error); });
  }

  /// Waits until the future is done. @throws TimeoutError if it is not before the deadline
  void wait(Deadline deadline) {
    if (deadline ? done() : spin_until_done()) return;
    // <exercise 2.1 SharedState::wait>
    CompletionQueue queue;
    WaitNode node(queue, shared_from_this());
    if (!queue.next(deadline)) throw TimeoutError("the future is not done yet");
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
    Phase phase = Phase::pending;
    if (phase_.compare_exchange_strong(phase, Phase::running)) return true;
    if (phase == Phase::cancelled) return false;
    throw InvalidStateError("the future is not pending: its work has begun already");
    // </exercise>
  }

  /// Asks that the work never begin. @returns true if the future is cancelled, by this call or an earlier one
  bool cancel() {
    // <exercise 3.1 SharedState::cancel>
    std::unique_lock lock(mutex_);
    Phase phase = Phase::pending;
    if (!phase_.compare_exchange_strong(phase, Phase::cancelled)) return phase == Phase::cancelled;
    publish(std::move(lock));
    return true;
    // </exercise>
  }

  /// Makes the future done because no result will come: its promise or its job was dropped.
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
      if (!done()) return callbacks_.push_back(std::move(callback));
    }
    run_callback(callback, shared_from_this());
    // </exercise>
  }

 protected:
  /// Makes the future finished, with the outcome that the caller has written.
  void finish() {
    std::unique_lock lock(mutex_);
    phase_.store(Phase::finished, std::memory_order_release);
    publish(std::move(lock));
  }

  std::exception_ptr error_;

 private:
  friend class WaitNode;
  enum class Phase { pending, running, claimed, cancelled, finished };

  /// Goes from pending or running to claimed. From now on only the caller may write the outcome, and it must
  /// finish().
  /// @returns false if the future is done, or claimed by another thread
  bool try_claim() noexcept {
    Phase phase = Phase::pending;
    if (phase_.compare_exchange_strong(phase, Phase::claimed)) return true;
    phase = Phase::running;
    return phase_.compare_exchange_strong(phase, Phase::claimed);
  }

  /// True if the future is done, now or after a few looks. Falling asleep and being woken costs more than
  /// most results take to come.
  [[nodiscard]] bool spin_until_done() const noexcept {
    for (int looks = 50; looks > 0 && !done(); --looks) std::this_thread::yield();
    return done();
  }

  /// Announces that the future is done: first to the threads that wait, then, without the lock, to the
  /// callbacks.
  void publish(std::unique_lock<std::mutex> lock) {
    // <exercise 2.1 quiet SharedState::publish>
    for (WaitNode* node = std::exchange(nodes_, nullptr); node;) {
      WaitNode& current = *std::exchange(node, node->next_);
      current.queue_.push(current);
    }
    auto callbacks = std::exchange(callbacks_, {});
    lock.unlock();
    if (callbacks.empty()) return;
    const Nesting nesting;
    if (nesting.is_deep() && nesting.put_off(*this, callbacks)) return;
    const auto self = shared_from_this();  // a callback may drop the last handle
    for (Callback& callback : callbacks) run_callback(callback, self);
    // </exercise>
  }

  /// Counts how deep in one another the callbacks are that run on this thread, each set off by the one
  /// before. Beyond a depth they are put off until the outermost are over, so that a chain of futures takes
  /// no stack, however long.
  class Nesting {
   public:
    Nesting() noexcept { ++depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    ~Nesting() {
      while (depth_ == 1 && !put_off_.empty()) {
        auto batch = std::exchange(put_off_, {});
        for (auto& [state, callbacks] : batch)
          for (Callback& callback : callbacks) run_callback(callback, state);
      }
      --depth_;
    }

    [[nodiscard]] static bool is_deep() noexcept { return depth_ > 50; }

    /// @returns false if there was no memory for it
    static bool put_off(SharedState& state, std::vector<Callback>& callbacks) noexcept {
      try {
        put_off_.emplace_back(state.shared_from_this(), std::vector<Callback>());
      } catch (const std::bad_alloc&) {
        return false;
      }
      put_off_.back().second.swap(callbacks);
      return true;
    }

   private:
    static inline thread_local constinit int depth_ = 0;
    static inline thread_local constinit std::vector<
        std::pair<std::shared_ptr<SharedState>, std::vector<Callback>>>
        put_off_;
  };

  static void run_callback(Callback& callback, const std::shared_ptr<SharedState>& state) noexcept {
    try {
      callback(state);
    } catch (...) {
      callback_exception_handler()(std::current_exception());
    }
  }

  void add(WaitNode& node) {
    std::lock_guard lock(mutex_);
    if (done()) return node.queue_.push(node);
    node.next_ = std::exchange(nodes_, &node);
  }

  void remove(WaitNode& node) noexcept {
    std::lock_guard lock(mutex_);
    WaitNode** link = &nodes_;
    while (*link && *link != &node) link = &(*link)->next_;
    if (*link) *link = node.next_;
  }

  std::atomic<Phase> phase_ = Phase::pending;
  std::mutex mutex_;
  WaitNode* nodes_ = nullptr;
  std::vector<Callback> callbacks_;
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
