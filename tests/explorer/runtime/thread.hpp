#pragma once

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "../shared.hpp"
#include "vector_clock.hpp"

namespace explore::runtime {

enum class State : std::uint8_t {
  runnable,
  // What it is blocked in:
  mutex,
  shared_mutex,
  condition,
  join,
  futex,
  sleep,
  once,
  semaphore,
  descriptor,
  place,
  //
  ended,
};

/// The descriptors that a thread in a read, a poll, … waits for: a single one, or one of the two lists.
struct Descriptors {
  int fd = -1;
  short events = 0;
  epoll_event* epoll = nullptr;
  pollfd* poll = nullptr;
  int size = 0;
  long ready = 0;  ///< what the last look at it gave
};

/// A thread of the scenario. It is a real one, but only World::running ever runs.
struct Thread {
  int id = 0;  ///< 0 runs the scenario itself
  pthread_t handle{};
  void* (*function)(void*) = nullptr;
  void* argument = nullptr;
  void* result = nullptr;
  std::array<char, 16> name{};

  // Scheduling.
  State state = State::runnable;
  const void* waits_for = nullptr;  ///< the mutex, the condition variable, …
  Thread* joins = nullptr;
  Descriptors descriptors;
  bool has_deadline = false;
  std::int64_t deadline = 0;
  bool timed_out = false;  ///< why it was woken last
  bool spurious = false;   ///< likewise
  bool yielded = false;    ///< others go first
  int priority = 0;
  std::uint32_t in_a_row = 0;  ///< steps since another thread ran
  std::uint32_t starved = 0;   ///< how often others took a mutex that it waits for
  int place = 0;               ///< to which it has come, if it waits until it is its turn: explore::at()
  int go = 0;                  ///< the word that it sleeps on while others run

  // What it knows: see atomics.cpp for the last three.
  VectorClock clock;       ///< what happened before its present moment
  VectorClock acquirable;  ///< what relaxed loads have met; an acquire fence makes it known
  VectorClock released;    ///< at its last release fence
  bool has_released = false;

  Costs costs;

  // Is it spinning?
  const void* last_load = nullptr;
  std::uint32_t last_version = 0;
  std::uint32_t same_loads = 0;
  std::uint32_t accesses = 0;  ///< to plain memory since the last step

  std::uintptr_t stack_top = 0;  ///< of its stack, what lies below is dead while it does not run
  bool ending = false;           ///< its thread-local variables are being destroyed
  std::uint32_t last_event = 0;  ///< in the journal, plus one; 0: none yet

  [[nodiscard]] std::uint32_t time() const noexcept { return clock.at[static_cast<std::size_t>(id)]; }
  /// Later events of this thread are not covered by what it has given to others so far.
  void tick() noexcept { ++clock.at[static_cast<std::size_t>(id)]; }
  void acquire(const VectorClock& what) noexcept { clock.join(what); }
  [[nodiscard]] bool blocked() const noexcept { return state != State::runnable && state != State::ended; }
  [[nodiscard]] bool blocked_in(State in, const void* what) const noexcept {
    return state == in && waits_for == what;
  }
};

/// This thread, if it belongs to a scenario and does not run the runtime's own code just now.
inline thread_local Thread* current = nullptr;

/// In the runtime: what this thread calls now is not the scenario's. Made first thing by whatever the
/// scenario calls, so that what is on the stack below is known to be dead.
class Entered {
 public:
  [[gnu::always_inline]] explicit Entered(Thread& thread) noexcept : thread_(thread) {
    current = nullptr;
    thread.stack_top = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;
  ~Entered() { current = &thread_; }

 private:
  Thread& thread_;
};

}  // namespace explore::runtime
