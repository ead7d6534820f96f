// Fails: Step9_*
// A right solution that is not the reference's: one mutex, one condition variable, and lists of functions.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "deadline.hpp"
#include "drop_reason.hpp"
#include "errors.hpp"
#include "exception_handler.hpp"

namespace concurrent {

enum class FutureState { pending, running, cancelled, finished };

inline ExceptionHandler& callback_exception_handler() {
  static ExceptionHandler handler;
  return handler;
}

namespace detail {

class SharedState : public std::enable_shared_from_this<SharedState> {
 public:
  using Callback = std::move_only_function<void(const std::shared_ptr<SharedState>&)>;
  using Watcher = std::function<void()>;
  using Watchers = std::list<Watcher>;

  SharedState() = default;
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;

  [[nodiscard]] FutureState state() const {
    const std::lock_guard lock(mutex_);
    switch (where_) {
      case Where::waiting:
        return FutureState::pending;
      case Where::called_off:
        return FutureState::cancelled;
      case Where::there:
        return FutureState::finished;
      case Where::at_work:
      case Where::arriving:
        break;
    }
    return FutureState::running;
  }

  [[nodiscard]] bool done() const {
    const std::lock_guard lock(mutex_);
    return where_ >= Where::called_off;
  }

  template <class Store>
  bool complete(Store&& store) {
    std::unique_lock lock(mutex_);
    if (where_ >= Where::arriving) return false;
    where_ = Where::arriving;
    lock.unlock();
    try {
      std::forward<Store>(store)();
    } catch (...) {
      error_ = std::current_exception();
    }
    lock.lock();
    end(std::move(lock), Where::there);
    return true;
  }

  bool try_fail(std::exception_ptr error) {
    return complete([&] { error_ = std::move(error); });
  }

  void wait(Deadline deadline) {
    std::unique_lock lock(mutex_);
    while (where_ < Where::called_off) {
      if (!deadline)
        over_.wait(lock);
      else if (over_.wait_until(lock, *deadline) == std::cv_status::timeout && where_ < Where::called_off)
        throw TimeoutError("nothing came in time");
    }
  }

  const std::exception_ptr& error() const {
    if (state() == FutureState::cancelled) throw CancelledError();
    return error_;
  }

  bool start() {
    const std::lock_guard lock(mutex_);
    if (where_ == Where::called_off) return false;
    if (where_ != Where::waiting) throw InvalidStateError("this work has begun before");
    where_ = Where::at_work;
    return true;
  }

  bool cancel() {
    std::unique_lock lock(mutex_);
    if (where_ == Where::waiting) {
      end(std::move(lock), Where::called_off);
      return true;
    }
    return where_ == Where::called_off;
  }

  void abandon() {
    const std::exception_ptr reason = DropReason::current();
    if (reason) {
      try_fail(reason);
    } else if (!cancel()) {
      try_fail(std::make_exception_ptr(BrokenPromise()));
    }
  }

  void add_callback(Callback callback) {
    std::unique_lock lock(mutex_);
    if (where_ < Where::called_off) {
      callbacks_.push_back(std::move(callback));
      return;
    }
    lock.unlock();
    call(callback);
  }

  /// Puts `one`, the only element, into the list of those who are told under the lock. Tells it at once if
  /// the future is done. Nothing here needs memory.
  void watch(Watchers& one) {
    const std::lock_guard lock(mutex_);
    if (where_ >= Where::called_off)
      one.front()();
    else
      watchers_.splice(watchers_.end(), one);
  }
  /// Takes the element back, if it is still in the list. @returns it, to be destroyed without the lock
  Watchers unwatch(Watchers::const_iterator which) {
    Watchers taken;
    const std::lock_guard lock(mutex_);
    if (where_ < Where::called_off) taken.splice(taken.end(), watchers_, which);
    return taken;
  }

 protected:
  std::exception_ptr error_;

 private:
  enum class Where { waiting, at_work, arriving, called_off, there };

  void end(std::unique_lock<std::mutex> lock, Where how) {
    where_ = how;
    over_.notify_all();
    for (const Watcher& watcher : watchers_) watcher();
    Watchers told;
    told.swap(watchers_);
    std::vector<Callback> called;
    called.swap(callbacks_);
    lock.unlock();
    if (!called.empty()) call_all(std::move(called));
  }

  /// Runs callbacks in one another up to a depth; what is deeper waits for the outermost.
  void call_all(std::vector<Callback> callbacks) {
    static thread_local int inside = 0;
    static thread_local std::list<std::function<void()>> later;
    if (inside == 20) {
      auto kept = std::make_shared<std::vector<Callback>>(std::move(callbacks));
      later.push_back([self = shared_from_this(), kept] {
        for (Callback& callback : *kept) self->call(callback);
      });
      return;
    }
    ++inside;
    const auto self = shared_from_this();  // the first may drop the last handle
    for (Callback& callback : callbacks) call(callback);
    for (; inside == 1 && !later.empty(); later.pop_front()) later.front()();
    --inside;
  }

  void call(Callback& callback) noexcept {
    try {
      callback(shared_from_this());
    } catch (...) {
      callback_exception_handler()(std::current_exception());
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable over_;
  Where where_ = Where::waiting;
  std::vector<Callback> callbacks_;
  Watchers watchers_;
};

/// Where the futures of one waiting thread arrive: their numbers, in order.
class Inbox {
 public:
  ~Inbox() {
    for (Watched& each : watched_)
      if (each.state) each.state->unwatch(each.where);
  }

  void add(std::shared_ptr<SharedState> state) {
    {
      const std::lock_guard lock(arrivals_->mutex);
      arrivals_->numbers.reserve(watched_.size() + 1);
    }
    SharedState::Watchers one;
    one.emplace_back([arrivals = arrivals_, number = watched_.size()] {
      const std::lock_guard lock(arrivals->mutex);
      arrivals->numbers.push_back(number);
      arrivals->came.notify_one();
    });
    watched_.push_back({state, one.begin()});
    state->watch(one);
  }

  /// Returns the state that became done next, once; null if none does before the deadline.
  std::shared_ptr<SharedState> next(Deadline deadline) {
    std::unique_lock lock(arrivals_->mutex);
    const auto there = [this] { return given_ < arrivals_->numbers.size(); };
    if (!wait_until(arrivals_->came, lock, deadline, there)) return nullptr;
    return std::exchange(watched_[arrivals_->numbers[given_++]].state, nullptr);
  }

 private:
  struct Watched {
    std::shared_ptr<SharedState> state;
    SharedState::Watchers::const_iterator where;
  };
  struct Arrivals {
    std::mutex mutex;
    std::condition_variable came;
    std::vector<std::size_t> numbers;
  };

  const std::shared_ptr<Arrivals> arrivals_ = std::make_shared<Arrivals>();
  std::vector<Watched> watched_;
  std::size_t given_ = 0;
};

}  // namespace detail
}  // namespace concurrent
