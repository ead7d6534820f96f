#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "../explore.hpp"
#include "../shared.hpp"
#include "thread.hpp"
#include "vector_clock.hpp"

namespace explore::runtime {

/// How this process runs schedules.
enum class Mode : std::uint8_t {
  search,  ///< one after another, as the strategy chooses
  replay,  ///< one, as Shared::replay says
  draw,    ///< the same, with a journal
};

/// A sequentially consistent fence.
struct Fence {
  int thread = 0;
  std::uint32_t time = 0;    ///< the thread's
  std::uint32_t number = 0;  ///< among all sequentially consistent operations
  VectorClock known;         ///< what happened before it, or before one of the fences before it
};

/// The last of them, the newest at `next - 1`.
struct Fences {
  static constexpr std::uint32_t most = 64;
  std::array<Fence, most> at{};
  std::uint32_t next = 0;
};

/// All that the runtime knows, but for what is in the other files' own tables. It lies in memory of its own,
/// because the program's static variables are put back after each schedule.
struct World {
  // The same in all schedules.
  Options options;
  Mode mode = Mode::search;
  Shared* shared = nullptr;
  void (*scenario)() = nullptr;
  std::uintptr_t stacks = 0;  ///< where the threads' stacks lie

  // Anew in each schedule.
  std::uint32_t generation = 0;  ///< its number: what carries another belongs to an earlier schedule
  std::array<Thread, most_threads> threads;
  int started = 0;  ///< threads so far
  int alive = 0;
  Thread* running = nullptr;
  std::uint32_t steps = 0;
  std::int64_t now = 0;                       ///< nanoseconds, by the scenario's clock
  int spurious = 0, timeouts = 0, stale = 0, weak = 0;  ///< how many the schedule may still have
  int lowest_priority = 0;
  int place = 0;  ///< the last to which a thread has come: explore::at()
  std::uint32_t sequential = 0;  ///< sequentially consistent operations so far
  Fences fences;
  VectorClock descriptors;  ///< what was known to those who wrote to a file descriptor
  VectorClock exceptions;   ///< … to those who let go of an exception

  [[nodiscard]] auto all() noexcept { return std::span(threads.data(), static_cast<std::size_t>(started)); }
  [[nodiscard]] bool drawing() const noexcept { return mode == Mode::draw; }
};

/// Null in a process that runs no schedules.
inline World* world = nullptr;

}  // namespace explore::runtime
