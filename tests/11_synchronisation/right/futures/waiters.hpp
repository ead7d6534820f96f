// Fails: Step8_*
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "sync_object.hpp"
#include "task.hpp"
#include "wait_reason.hpp"

namespace asyncio {

// Tasks that wait, as CPython has them: a deque of futures.

class WaitingCell final : public detail::FutureCell<void>, public WaitReason {
 public:
  WaitingCell(detail::TaskRegistry& tasks, SyncObject& owner, const char* part) noexcept
      : FutureCell(tasks), WaitReason(owner, part) {}
  void destroy() noexcept override { std::destroy_at(this); }
};

class Waiters {
 public:
  explicit Waiters(SyncObject& owner, const char* part = "") : owner_(owner), part_(part) {}

  /// A future in the deque, for as long as this lives.
  class Place {
   public:
    explicit Place(Waiters& waiters) : futures_(waiters.futures_), future(waiters.make()) {
      futures_->push_back(future);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { leave(); }

    void leave() {
      const auto place = std::ranges::find(*futures_, future);
      if (place != futures_->end()) futures_->erase(place);
    }
    [[nodiscard]] bool woken() const { return future.done() && !future.cancelled(); }

   private:
    const std::shared_ptr<std::deque<Future<>>> futures_;

   public:
    Future<> future;
  };

  [[nodiscard]] bool all_cancelled() const {
    for (const Future<>& future : *futures_)
      if (!future.cancelled()) return false;
    return true;
  }
  void wake_first() {
    if (!futures_->empty() && !futures_->front().done()) futures_->front().set_result();
  }
  bool wake_next() {
    for (Future<>& future : *futures_) {
      if (future.done()) continue;
      future.set_result();
      return true;
    }
    return false;
  }
  void wake_all() {
    while (wake_next()) {
    }
  }

 private:
  Future<> make() {
    detail::TaskBase& task = detail::TaskBase::running();
    owner_.bind(task.tasks());
    return Future<>(get_running_loop().nodes().make<WaitingCell>(task.tasks(), owner_, part_));
  }

  SyncObject& owner_;
  const char* const part_;
  const std::shared_ptr<std::deque<Future<>>> futures_ = std::make_shared<std::deque<Future<>>>();
};

}  // namespace asyncio
