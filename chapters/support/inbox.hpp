#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "job.hpp"
#include "ring.hpp"

namespace concurrent {

/// The jobs that come to one worker from outside, in order. It has the two ends of chapter 01's
/// BlockingQueue, with a lock each, and nobody waits at them; to see if it is empty takes no lock. All
/// members may be called from any thread.
class Inbox {
 public:
  enum class Push { done, busy, closed };

  /// Takes `job`, unless the inbox is closed, or another thread is at the tail and the caller does not want
  /// to wait for it. @returns the result; unless that is `done`, `job` is as it was
  Push push(Job& job, bool wait) {
    std::unique_lock tail(tail_mutex_, std::defer_lock);
    if (wait)
      tail.lock();
    else if (!tail.try_lock())
      return Push::busy;
    if (closed_) return Push::closed;
    in_.push_back(std::move(job));
    pushed_.store(pushed_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    return Push::done;
  }

  /// Moves the oldest job to `job`, which is empty. @returns true if there was one
  bool pop(Job& job) {
    std::lock_guard head(head_mutex_);
    if (out_.empty()) {  // only now look at the tail, for its cache line is with the threads that post
      if (empty()) return false;
      std::lock_guard tail(tail_mutex_);
      out_.swap(in_);
      if (out_.empty()) return false;
    }
    job = std::move(out_.front());
    out_.pop_front();
    popped_.store(popped_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    return true;
  }

  /// Takes no more jobs.
  void close() {
    std::lock_guard tail(tail_mutex_);
    closed_ = true;
  }

  /// Whoever sees it empty sees, too, what those who emptied it had written before: that they are active.
  [[nodiscard]] bool empty() const noexcept {
    return popped_.load(std::memory_order_acquire) == pushed_.load(std::memory_order_acquire);
  }

 private:
  alignas(64) std::mutex tail_mutex_;  // guards in_ and closed_
  Ring<Job> in_;
  bool closed_ = false;
  std::atomic<std::uint64_t> pushed_ = 0;  // changes under the tail's lock

  alignas(64) std::mutex head_mutex_;  // guards out_
  Ring<Job> out_;
  std::atomic<std::uint64_t> popped_ = 0;  // changes under the head's lock
};

}  // namespace concurrent
