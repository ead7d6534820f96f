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

/// Where a future stands. It goes from pending through running to finished, or from pending to cancelled.
enum class FutureState { pending, running, cancelled, finished };

/// What is told of exceptions that escape from done-callbacks. The default writes a line to stderr.
inline ExceptionHandler& callback_exception_handler() {
  static ExceptionHandler handler;
  return handler;
}

namespace detail {

class SharedState;
class Watch;

/// A thread that waits for futures. Those that are done line up here, in the order in which they came.
class Waiter {
 public:
  /// Waits for the next watch whose future is done, and takes it out of the line.
  /// @returns null if there is none before the deadline
  Watch* next(Deadline deadline);

  /// Lets `watch` join the line, and wakes the thread.
  void notify(Watch& watch);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  Watch* newest_ = nullptr;  // those that came since the thread last looked, the newest first
  Watch* line_ = nullptr;    // those before them, the oldest first; the waiting thread's own
};

/// Tells a waiter, once, that the future of `state` is done, also if it is done already. Stops watching when
/// destroyed. It is itself the node of the list in which it stands, first the state's, then the waiter's: it
/// allocates nothing.
class Watch {
 public:
  Watch(Waiter& waiter, std::shared_ptr<SharedState> state);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  const std::shared_ptr<SharedState>& state() const noexcept { return state_; }

  /// Gives away the state of a watch that Waiter::next() returned: there is nothing to watch any more.
  std::shared_ptr<SharedState> release() noexcept { return std::move(state_); }

 private:
  friend class Waiter;
  friend class SharedState;

  Waiter& waiter_;
  std::shared_ptr<SharedState> state_;
  Watch* next_ = nullptr;
};

/// What a promise and its futures share, but for the value.
///
/// The phase is an atomic: to look at it takes no lock. Whoever has the outcome claims the state first, so
/// only one thread ever writes it; the lock is for the two lists, and for the moment in which the future
/// becomes done.
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

  /// From pending or running to claimed: the caller alone may write the outcome now, and must finish().
  /// @returns false if the future is done, or claimed by another thread
  bool try_claim() noexcept {
    // TODO 1.1: Exchange pending, or else running, for claimed.
    todo("1.1", "SharedState::try_claim");
  }

  /// Publishes the outcome: the future is finished.
  void finish() {
    // TODO 1.2: Under the lock, make the phase finished; then publish().
    todo("1.2", "SharedState::finish");
  }

  /// Keeps `error` as the outcome and publishes it. @returns false if there is an outcome already
  bool try_fail(std::exception_ptr error) {
    // TODO 1.3: Claim the state, write the error, finish.
    todo("1.3", "SharedState::try_fail");
  }

  /// Waits until the future is done. @throws TimeoutError if it is not before the deadline
  void wait(Deadline deadline) {
    if (deadline ? done() : soon_done()) return;
    // TODO 2.1: Watch the future with a Waiter of your own, and wait for that.
    todo("2.1", "SharedState::wait");
  }

  /// The exception that the future finished with, or null. The future must be done.
  /// @throws CancelledError if it was cancelled
  const std::exception_ptr& error() const {
    if (state() == FutureState::cancelled) throw CancelledError();
    return error_;
  }

  /// From pending to running. @returns false if the future was cancelled
  /// @throws InvalidStateError if its work has begun already
  bool start() {
    // TODO 3.1: Exchange pending for running. If that fails, the phase says why.
    todo("3.1", "SharedState::start");
  }

  /// From pending to cancelled. @returns whether the future is cancelled, by this call or an earlier one
  bool cancel() {
    // TODO 3.2: Under the lock, exchange pending for cancelled. If that succeeds,
    // publish().
    todo("3.2", "SharedState::cancel");
  }

  /// Sees to it that the future is done, because nobody will bring a result: its promise or its job was
  /// dropped.
  void abandon() {
    // TODO 3.3: Fail with the DropReason, if there is one. Else cancel; if it is
    // too late for that, because the work had begun, fail with BrokenPromise. A future that is done stays as
    // it is.
    todo("3.3", "SharedState::abandon");
  }

  /// Calls `callback` when the future is done, on the thread that makes it so; at once, here, if it is done
  /// already.
  void add_callback(Callback callback) {
    // TODO 4.1: Under the lock, keep the callback if the future is not done.
    // Else run_callback(), without the lock.
    todo("4.1", "SharedState::add_callback");
  }

 protected:
  std::exception_ptr error_;

 private:
  friend class Watch;
  enum class Phase { pending, running, claimed, cancelled, finished };

  /// Whether it is done, now or after a few looks: to fall asleep and be woken costs more than most results
  /// take to come.
  [[nodiscard]] bool soon_done() const noexcept {
    for (int looks = 50; looks > 0 && !done(); --looks) std::this_thread::yield();
    return done();
  }

  /// Tells everyone that the future is done: first the threads that wait, then the callbacks, without the
  /// lock.
  void publish(std::unique_lock<std::mutex> lock) {
    for (Watch* watch = std::exchange(watches_, nullptr); watch;) {
      Watch& current = *std::exchange(watch, watch->next_);
      current.waiter_.notify(current);
    }
    auto callbacks = std::exchange(callbacks_, {});
    lock.unlock();
    for (Callback& callback : callbacks) run_callback(callback);
  }

  void run_callback(Callback& callback) noexcept {
    // TODO 4.2: Call it with the state. What it throws goes to
    // callback_exception_handler().
    todo("4.2", "SharedState::run_callback");
  }

  void add(Watch& watch) {
    // TODO 2.2: Under the lock, put the watch in the list, or notify its waiter if the
    // future is done.
    todo("2.2", "SharedState::add");
  }

  void remove(Watch& watch) noexcept {
    // TODO 2.3: Under the lock, take the watch out of the list, if it is still in
    // it.
    todo("2.3", "SharedState::remove");
  }

  std::atomic<Phase> phase_ = Phase::pending;
  std::mutex mutex_;
  Watch* watches_ = nullptr;
  std::vector<Callback> callbacks_;
};

inline Watch::Watch(Waiter& waiter, std::shared_ptr<SharedState> state)
    : waiter_(waiter), state_(std::move(state)) {
  state_->add(*this);
}

inline Watch::~Watch() {
  if (state_) state_->remove(*this);
}

inline Watch* Waiter::next(Deadline deadline) {
  // TODO 2.4: If the line is empty, wait until somebody has come, or the deadline has
  // passed; then turn the newcomers round into the line. Take out the first.
  todo("2.4", "Waiter::next");
}

inline void Waiter::notify(Watch& watch) {
  // TODO 2.5: Under the lock, put the watch before the other newcomers, and wake the
  // thread. It may be destroying other watches by now: do not touch them. And it may destroy this waiter as
  // soon as it has the lock: touch nothing after you give it back.
  todo("2.5", "Waiter::notify");
}

}  // namespace detail
}  // namespace concurrent
