#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "deadline.hpp"
#include "drop_reason.hpp"
#include "errors.hpp"
#include "exception_handler.hpp"

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
    switch (phase_.load(std::memory_order_acquire)) {
      case Phase::pending:
        return FutureState::pending;
      case Phase::running:
      case Phase::storing:
        return FutureState::running;  // to whoever asks, an outcome that is being stored is work
      case Phase::cancelled:
        return FutureState::cancelled;
      case Phase::finished:
        break;
    }
    return FutureState::finished;
  }
  [[nodiscard]] bool done() const { return is_done(state()); }

  /// Calls `store()`, which keeps the outcome, and makes the future done; what `store()` throws becomes the
  /// outcome. While it runs, under no lock, the future is running, and no other outcome is accepted. In the
  /// end announces that the future is done.
  /// @returns false, without calling `store`, if the future is done or another outcome is being stored
  template <class Store>
  bool complete(Store&& store) {
    // In this order, because a future goes from pending to running and never back.
    if (!go(Phase::pending, Phase::storing) && !go(Phase::running, Phase::storing)) return false;
    try {
      std::forward<Store>(store)();
    } catch (...) {
      error_ = std::current_exception();
    }
    std::unique_lock lock(mutex_);
    phase_.store(Phase::finished, std::memory_order_release);
    publish(std::move(lock));
    return true;
  }

  /// Makes `error` the outcome. @returns false if the future is done or another outcome is being stored
  bool try_fail(std::exception_ptr error) {
    return complete([&] { error_ = std::move(error); });
  }

  /// Waits until the future is done. @throws TimeoutError if it is not before the deadline
  void wait(Deadline deadline) {
    if (done()) return;
    for (int looks = 0; !deadline && looks < 50; ++looks) {
      std::this_thread::yield();
      if (done()) return;
    }
    CompletionQueue bed;  // one thread, one place to sleep at; the future knows it by the node only
    WaitNode node(bed, shared_from_this());
    if (!bed.next(deadline)) throw TimeoutError("the future is not done yet");
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
    if (go(Phase::pending, Phase::running)) return true;
    if (phase_ == Phase::cancelled) return false;
    throw InvalidStateError("the work of this future has begun already");
  }

  /// Goes from pending to cancelled. @returns true if the future is cancelled, by this call or an earlier one
  bool cancel() {
    std::unique_lock lock(mutex_);
    if (!go(Phase::pending, Phase::cancelled)) return phase_ == Phase::cancelled;
    publish(std::move(lock));
    return true;
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
    if (!done()) {
      std::list<Note> fresh;  // made before the lock is taken, so that nothing can fail under it
      fresh.push_back(Note{std::move(callback), nullptr});
      {
        std::lock_guard lock(mutex_);
        if (phase_ < Phase::cancelled) return notes_.splice(notes_.end(), fresh);
      }
      callback = std::move(fresh.front().callback);  // became done meanwhile
    }
    run_callback(callback);
  }

 protected:
  std::exception_ptr error_;

 private:
  friend class WaitNode;

  /// The future's state as I keep it: the time between is a phase of its own. The done ones come last.
  enum class Phase { pending, running, storing, cancelled, finished };

  /// Goes from one phase to another in one step. @returns false if the phase is not `from`
  bool go(Phase from, Phase to) noexcept { return phase_.compare_exchange_strong(from, to); }

  static bool is_done(FutureState state) noexcept {
    return state == FutureState::cancelled || state == FutureState::finished;
  }

  /// Announces that the future is done: first to the threads that wait (step 2) and to the queues of those
  /// that wait for several (step 6), then, without the lock, to the callbacks, in the order in which they
  /// were added (step 4). Called once, by whoever made the future done, who still holds the lock.
  void publish(std::unique_lock<std::mutex> lock) {
    for (WaitNode* node = std::exchange(nodes_, nullptr); node;) {
      WaitNode& current = *std::exchange(node, node->next_);
      current.queue_.push(current);
    }
    if (notes_.empty()) return;
    std::list<Note> mine;
    mine.swap(notes_);
    lock.unlock();
    const auto self = shared_from_this();  // a callback may drop the promise and every future
    for (Note& note : mine) note.whose = self;

    if (!calling_) {
      Calling here;
      calling_ = &here;
      while (!mine.empty()) call_first(mine);
      while (!here.put_off.empty()) call_first(here.put_off);
      calling_ = nullptr;
    } else if (calling_->depth < most_inside_one_another) {
      ++calling_->depth;
      while (!mine.empty()) call_first(mine);
      --calling_->depth;
    } else {
      calling_->put_off.splice(calling_->put_off.end(), mine);  // needs no memory
    }
  }

  /// A callback that is kept. As long as it waits it must not keep its future alive: `whose` is null until
  /// the future is done.
  struct Note {
    Callback callback;
    std::shared_ptr<SharedState> whose;
  };

  /// What this thread is calling; it lives on the stack of the outermost publish().
  struct Calling {
    int depth = 1;            // publish() that call callbacks inside one another
    std::list<Note> put_off;  // for the outermost one to call
  };
  static constexpr int most_inside_one_another = 8;
  static inline thread_local Calling* calling_ = nullptr;

  /// Calls the first of `notes`, and destroys it. Meanwhile the list may grow.
  static void call_first(std::list<Note>& notes) noexcept {
    std::list<Note> first;
    first.splice(first.begin(), notes, notes.begin());
    first.front().whose->run_callback(first.front().callback);
  }

  /// Calls a callback, under no lock. What it throws goes to callback_exception_handler().
  void run_callback(Callback& callback) noexcept {
    try {
      callback(shared_from_this());
    } catch (...) {
      callback_exception_handler()(std::current_exception());
    }
  }

  /// Puts `node` into the list of those to tell, or, if the future is done, into its queue at once. (Step 6)
  void add(WaitNode& node) {
    std::lock_guard lock(mutex_);
    if (phase_ >= Phase::cancelled) return node.queue_.push(node);
    node.next_ = std::exchange(nodes_, &node);
  }

  /// Takes `node` out of the list, wherever it stands, if it is still there. (Step 6)
  void remove(WaitNode& node) noexcept {
    std::lock_guard lock(mutex_);
    WaitNode** link = &nodes_;
    while (*link && *link != &node) link = &(*link)->next_;
    if (*link) *link = node.next_;
  }

  std::mutex mutex_;                           // guards the lists
  std::atomic<Phase> phase_ = Phase::pending;  // becomes done under the lock only
  std::list<Note> notes_;                      // callbacks to call, in order
  WaitNode* nodes_ = nullptr;                  // those to tell, the newest first
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
