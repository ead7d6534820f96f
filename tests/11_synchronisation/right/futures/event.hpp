#pragma once

#include "coro.hpp"
#include "waiters.hpp"

namespace asyncio {

class Event : public SyncObject {
 public:
  Event() : SyncObject("Event") {}
  Event(SyncObject& owner, const char* part) : SyncObject("Event"), waiters_(owner, part) {}

  [[nodiscard]] bool is_set() const { return value_; }
  void set() {
    if (value_) return;
    value_ = true;
    waiters_.wake_all();
  }
  void clear() { value_ = false; }

  template <class Result = bool>
  Coro<Result> wait() {
    if (!value_) {
      Waiters::Place place(waiters_);
      co_await place.future;
    }
    co_return true;
  }

 private:
  bool value_ = false;
  Waiters waiters_{*this};
};

}  // namespace asyncio
