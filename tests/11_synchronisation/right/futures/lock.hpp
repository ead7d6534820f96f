#pragma once

#include <stdexcept>

#include "coro.hpp"
#include "held.hpp"
#include "waiters.hpp"

namespace asyncio {

class Lock : public SyncObject {
 public:
  Lock() : SyncObject("Lock") {}

  [[nodiscard]] bool locked() const { return locked_; }

  template <class Result = bool>
  Coro<Result> acquire() {
    if (locked_ || !waiters_.all_cancelled()) {
      Waiters::Place place(waiters_);
      try {
        co_await place.future;
      } catch (const CancelledError&) {
        place.leave();
        if (!locked_) waiters_.wake_first();
        throw;
      }
    }
    locked_ = true;
    const detail::TaskBase* const task = detail::TaskBase::current();
    set_holder(task ? task->number() : 0);
    co_return true;
  }
  template <class Owner = Lock>
  Coro<Held<Owner>> scoped() {
    co_await acquire();
    co_return Held<Owner>(*this);
  }
  void release() {
    if (!locked_) throw std::runtime_error("Lock is not acquired.");
    locked_ = false;
    set_holder(0);
    waiters_.wake_first();
  }

 private:
  bool locked_ = false;
  Waiters waiters_{*this};
};

}  // namespace asyncio
