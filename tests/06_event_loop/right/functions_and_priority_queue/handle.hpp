#pragma once

// Fails: Step8_Costs.*

// A loop of functions: what was scheduled is a std::function in a shared record, timers wait in a
// std::priority_queue, and every post wakes. Nothing of it is fast.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <typeindex>
#include <utility>

#include "loop_time.hpp"

namespace asyncio {

/// What was scheduled.
struct Scheduled {
  std::function<void()> call;  // empty once it ran or will not run
  const std::type_info* type = nullptr;
  TimePoint when;
  bool posted = false;
  std::atomic<bool> dead = false;

  std::function<void()> take() {
    std::function<void()> taken;
    taken.swap(call);
    return taken;
  }
};

class Handle {
 public:
  Handle() = default;
  explicit Handle(std::shared_ptr<Scheduled> scheduled) noexcept : it(std::move(scheduled)) {}

  void cancel() noexcept {
    if (!it) return;
    it->dead = true;
    if (!it->posted) it->take();
  }
  [[nodiscard]] bool cancelled() const noexcept { return it && it->dead; }
  explicit operator bool() const noexcept { return it != nullptr; }

 protected:
  std::shared_ptr<Scheduled> it;
};

class TimerHandle : public Handle {
 public:
  using Handle::Handle;
  [[nodiscard]] TimePoint when() const noexcept { return it->when; }
};

}  // namespace asyncio
