#pragma once

#include <atomic>
#include <cstddef>

#include "event_count.hpp"
#include "todo.hpp"

namespace concurrent::detail {

/// Counts the pieces of work that somebody waits for. It may be gone as soon as the last of them has ended,
/// since only its waiter keeps it alive.
///
/// Whoever waits says so with fall_asleep() before it sleeps: then the last finish() tells that it must be
/// woken. If nobody is about to sleep, counting costs one read-modify-write, and nobody is woken.
class JoinCounter {
 public:
  explicit JoinCounter(std::size_t count = 0) noexcept : state_(count * one) {}

  void add() noexcept { state_.fetch_add(one, std::memory_order_relaxed); }

  /// Counts that one has ended. @returns true if it was the last and the waiter may be asleep, so that it
  /// must be woken
  bool finish() noexcept { return state_.fetch_sub(one, std::memory_order_acq_rel) == one + asleep; }

  [[nodiscard]] bool none() const noexcept { return state_.load(std::memory_order_acquire) < one; }

  /// Sleeps on `events` until nothing is left: for a thread that has no other work to do meanwhile.
  void wait(EventCount& events) {
    todo("9.1", "JoinCounter::wait");
  }

  /// Notes that the waiter is about to sleep.
  void fall_asleep() noexcept { state_.fetch_or(asleep, std::memory_order_relaxed); }

 private:
  static constexpr std::size_t asleep = 1, one = 2;
  std::atomic<std::size_t> state_;
};

/// A piece of work on the stack of the worker that offers it to others: see fork_join.hpp.
class Forked {
 public:
  virtual void run() noexcept = 0;
  JoinCounter pending{1};  // finished by a thief

 protected:
  ~Forked() = default;
};

}  // namespace concurrent::detail
