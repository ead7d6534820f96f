#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "condition.hpp"
#include "coro.hpp"
#include "sync_errors.hpp"
#include "todo.hpp"

namespace asyncio {

/// Where tasks wait for one another: when so many have come, all go on, and it can be used again.
/// For the loop's thread. Python: `asyncio.Barrier`.
class Barrier : public SyncObject {
 public:
  /// @param parties how many tasks have to come
  /// @throws std::invalid_argument if that is less than 1
  explicit Barrier(std::ptrdiff_t parties) : SyncObject("Barrier"), parties_(parties) {
    if (parties < 1) throw std::invalid_argument("parties must be >= 1, and not " + std::to_string(parties));
    changed_.set_name("of a Barrier");
  }

  [[nodiscard]] std::ptrdiff_t parties() const noexcept { return parties_; }
  /// Returns how many wait for others to come.
  [[nodiscard]] std::ptrdiff_t n_waiting() const noexcept {
    // <exercise 5.1 Barrier::n_waiting>
    return state_ == State::filling ? count_ : 0;
    // </exercise>
  }
  /// True after abort(), until reset().
  [[nodiscard]] bool broken() const noexcept {
    // <exercise 5.1 Barrier::broken>
    return state_ == State::broken;
    // </exercise>
  }

  /// Waits until `parties` tasks have come. A task that comes while those of the last time are still leaving
  /// waits until they have gone. One that is cancelled does not count any more. Python: `barrier.wait`.
  /// @returns the task's own number, of 0 … parties - 1, in the order in which they came
  /// @throws BrokenBarrierError if the barrier is broken, or is reset or aborted meanwhile
  template <class Index = std::ptrdiff_t>
  Coro<Index> wait() {
    const auto held = co_await changed_.scoped();
    // <exercise 5.1 Barrier::wait>
    co_await changed_.wait_for([this] { return !is_emptying(); });
    if (broken()) throw BrokenBarrierError("Barrier aborted");
    const Index index = count_++;
    try {
      if (count_ == parties_) {
        state_ = State::draining;
        changed_.notify_all();
      } else {
        co_await changed_.wait_for([this] { return state_ != State::filling; });
        if (state_ != State::draining) throw BrokenBarrierError("Abort or reset of barrier");
      }
    } catch (...) {
      leave();
      throw;
    }
    leave();
    co_return index;
    // </exercise>
  }

  /// Sends away those who wait, with a BrokenBarrierError. After that the barrier can be used, even if it was
  /// broken. Python: `barrier.reset`.
  template <class Result = void>
  Coro<Result> reset() {
    const auto held = co_await changed_.scoped();
    // <exercise 5.1 Barrier::reset>
    state_ = count_ > 0 ? State::resetting : State::filling;
    changed_.notify_all();
    // </exercise>
  }

  /// Breaks the barrier: those who wait, and who come from now on, get a BrokenBarrierError.
  /// Python: `barrier.abort`.
  template <class Result = void>
  Coro<Result> abort() {
    const auto held = co_await changed_.scoped();
    // <exercise 5.1 Barrier::abort>
    state_ = State::broken;
    changed_.notify_all();
    // </exercise>
  }

 private:
  // <exercise 5.1 members Barrier>
  enum class State : std::uint8_t {
    filling,    ///< tasks come
    draining,   ///< all have come, and leave
    resetting,  ///< those who wait are sent away
    broken
  };

  [[nodiscard]] bool is_emptying() const noexcept {
    return state_ == State::draining || state_ == State::resetting;
  }

  /// A task leaves, with the lock held. The last one lets the next ones in.
  void leave() {
    if (--count_ > 0) return;
    if (is_emptying()) state_ = State::filling;
    changed_.notify_all();
  }

  std::ptrdiff_t count_ = 0;  // tasks that have come, and not left
  State state_ = State::filling;
  // </exercise>
  const std::ptrdiff_t parties_;
  Condition changed_{*this};
};

}  // namespace asyncio
