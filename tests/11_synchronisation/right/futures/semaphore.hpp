#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

#include "coro.hpp"
#include "held.hpp"
#include "waiters.hpp"

namespace asyncio {

class Semaphore : public SyncObject {
 public:
  explicit Semaphore(std::ptrdiff_t value = 1) : Semaphore("Semaphore", value, -1) {}

  [[nodiscard]] bool locked() const { return value_ == 0 || !waiters_.all_cancelled(); }

  template <class Result = bool>
  Coro<Result> acquire() {
    if (!locked()) {
      --value_;
      co_return true;
    }
    {
      Waiters::Place place(waiters_);
      try {
        co_await place.future;
      } catch (const CancelledError&) {
        if (place.woken()) ++value_;
        place.leave();
        wake_as_many_as_are_allowed();
        throw;
      }
    }
    wake_as_many_as_are_allowed();
    co_return true;
  }
  template <class Owner = Semaphore>
  Coro<Held<Owner>> scoped() {
    co_await acquire();
    co_return Held<Owner>(*this);
  }
  void release() {
    if (bound_ >= 0 && value_ >= bound_)
      throw std::invalid_argument("BoundedSemaphore released too many times");
    ++value_;
    if (waiters_.wake_next()) --value_;
  }

 protected:
  Semaphore(const char* kind, std::ptrdiff_t value, std::ptrdiff_t bound)
      : SyncObject(kind), value_(value), bound_(bound) {
    if (value < 0)
      throw std::invalid_argument("Semaphore initial value must be >= 0, and not " + std::to_string(value));
  }

 private:
  void wake_as_many_as_are_allowed() {
    while (value_ > 0 && waiters_.wake_next()) --value_;
  }

  std::ptrdiff_t value_;
  std::ptrdiff_t bound_;
  Waiters waiters_{*this};
};

class BoundedSemaphore : public Semaphore {
 public:
  explicit BoundedSemaphore(std::ptrdiff_t value = 1) : Semaphore("BoundedSemaphore", value, value) {}
};

}  // namespace asyncio
