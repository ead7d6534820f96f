#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "coro.hpp"
#include "lock.hpp"
#include "waiters.hpp"

namespace asyncio {

class Condition : public SyncObject {
 public:
  Condition() : SyncObject("Condition"), own_(std::make_unique<Lock>()), lock_(own_.get()) {}
  explicit Condition(Lock& lock) : SyncObject("Condition"), lock_(&lock) {}
  explicit Condition(SyncObject& owner)
      : SyncObject("Condition"), own_(std::make_unique<Lock>()), lock_(own_.get()), waiters_(owner) {}

  auto acquire() { return lock_->acquire(); }
  auto scoped() { return lock_->scoped(); }
  void release() { lock_->release(); }
  [[nodiscard]] bool locked() const { return lock_->locked(); }

  template <class Result = bool>
  Coro<Result> wait() {
    if (!locked()) throw std::runtime_error("cannot wait on un-acquired lock");
    std::exception_ptr error;
    {
      Waiters::Place place(waiters_);
      release();
      try {
        co_await place.future;
      } catch (const CancelledError&) {
        error = std::current_exception();
      }
    }
    while (true) {
      try {
        co_await lock_->acquire();
        break;
      } catch (const CancelledError&) {
        error = std::current_exception();
      }
    }
    if (error) {
      waiters_.wake_next();
      std::rethrow_exception(error);
    }
    co_return true;
  }

  template <class Predicate>
  Coro<std::decay_t<std::invoke_result_t<Predicate&>>> wait_for(Predicate predicate) {
    auto result = std::invoke(predicate);
    while (!result) {
      co_await wait();
      result = std::invoke(predicate);
    }
    co_return result;
  }

  void notify(std::size_t n = 1) {
    if (!locked()) throw std::runtime_error("cannot notify on un-acquired lock");
    while (n > 0 && waiters_.wake_next()) --n;
  }
  void notify_all() {
    if (!locked()) throw std::runtime_error("cannot notify on un-acquired lock");
    waiters_.wake_all();
  }

 private:
  std::unique_ptr<Lock> own_;
  Lock* lock_;
  Waiters waiters_{*this};
};

}  // namespace asyncio
