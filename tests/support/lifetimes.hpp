#pragma once

#include <atomic>
#include <functional>
#include <utility>

namespace course {

/// Counts the instances that are alive: who still owns something?
class Counted {
 public:
  explicit Counted(std::atomic<int>& alive) : alive_(&alive) { ++alive; }
  Counted(Counted&& other) noexcept : alive_(std::exchange(other.alive_, nullptr)) {}
  ~Counted() {
    if (alive_) --*alive_;
  }

 private:
  std::atomic<int>* alive_;
};

/// Calls a function when it is destroyed, wherever it has been moved to.
class AtEnd {
 public:
  explicit AtEnd(std::function<void()> call) : call_(std::move(call)) {}
  AtEnd(AtEnd&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  ~AtEnd() {
    if (call_) call_();
  }

 private:
  std::function<void()> call_;
};

}  // namespace course
