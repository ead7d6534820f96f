#pragma once

#include <memory>

namespace asyncio {

/// What a later chapter keeps in a loop: chapter 09 its tasks, chapter 10 its executor. For the loop's
/// thread.
class Service {
 public:
  Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// The loop has done what it was made for, and still runs: waits for what works for it elsewhere.
  virtual void join() {}

  /// The loop is closed: nothing will be called any more.
  virtual void close() noexcept = 0;

  /// The loop is destroyed, and lets the part go.
  virtual void detach() noexcept = 0;

  struct Detach {
    void operator()(Service* part) const noexcept { part->detach(); }
  };
  using Owner = std::unique_ptr<Service, Detach>;

 protected:
  ~Service() = default;
};

}  // namespace asyncio
