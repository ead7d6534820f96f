#pragma once

#include <memory>

namespace asyncio {

/// What a later chapter keeps in a loop: chapter 09 its tasks, chapter 10 its executor. For the loop's
/// thread.
class LoopPart {
 public:
  LoopPart() = default;
  LoopPart(const LoopPart&) = delete;
  LoopPart& operator=(const LoopPart&) = delete;

  /// The loop has done what it was made for, and still runs: waits for what works for it elsewhere.
  virtual void finish() {}

  /// The loop is closed: nothing will be called any more.
  virtual void close() noexcept = 0;

  /// The loop is destroyed, and lets the part go.
  virtual void detach() noexcept = 0;

  struct Detach {
    void operator()(LoopPart* part) const noexcept { part->detach(); }
  };
  using Owner = std::unique_ptr<LoopPart, Detach>;

 protected:
  ~LoopPart() = default;
};

}  // namespace asyncio
