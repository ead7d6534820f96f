#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "explore.hpp"

/// Messages from the process that runs schedules to the one that started it. It lies in memory that both
/// share, as the first of them may end at any moment.
namespace explore {

/// The choices of one schedule: 0 is what happens by itself, usually that the running thread goes on.
struct Choices {
  static constexpr std::size_t most = 1 << 16;
  std::uint32_t size = 0;
  std::array<std::uint8_t, most> at{};

  void add(std::size_t choice) noexcept {
    if (size < most) at[size++] = static_cast<std::uint8_t>(choice);
  }
};

/// One choice in a systematic search: how many ways there were, and which was taken.
struct Branch {
  std::uint8_t ways = 0;
  std::uint8_t taken = 0;
  std::uint8_t going_on = 0;  ///< as many of the ways only let a thread run; the others make something happen
  bool preempts = false;      ///< to let another thread run than the first is a preemption
  std::uint8_t spent = 0;     ///< preemptions and events before this one
};

/// Where the search stands. It outlives the process that runs the schedules.
struct SearchState {
  std::uint64_t schedule = 0;      ///< its number: the random choices follow from it and the seed
  std::uint32_t length = 0;        ///< choices in the longest schedule so far
  int bound = 0;                   ///< preemptions that the systematic search may spend now
  bool exhausted = false;          ///< the systematic search has tried all that it may
  std::uint64_t exhausted_at = 0;  ///< after so many schedules
  std::uint32_t depth = 0;
  std::array<Branch, Choices::most> path{};
};

/// The calls that led to one moment, innermost first: addresses in the executable.
struct Stack {
  static constexpr std::size_t most = 32;
  std::array<std::uintptr_t, most> address{};
  std::uint8_t size = 0;
};
using StackId = std::uint32_t;  ///< an index into Journal::stacks; 0 is none

/// A line of the schedule's table.
struct Event {
  std::uint8_t thread = 0;
  bool detail = false;  ///< not worth a line if it comes from inside the standard library
  StackId stack = 0;
  std::array<char, 96> text{};
};

/// The state of a thread when the schedule has ended.
struct ThreadState {
  std::array<char, 16> name{};
  std::array<char, 96> doing{};
  StackId stack = 0;
  bool ended = false;
};

/// One side of a data race, the place of an allocation, …
struct Site {
  std::array<char, 96> what{};
  StackId stack = 0;
};

/// Everything that happened in one schedule.
struct Journal {
  static constexpr std::size_t most_events = 1 << 14, most_stacks = 1 << 16, most_sites = 4;
  std::uint32_t events_size = 0, stacks_size = 0, sites_size = 0, threads_size = 0;
  std::array<Event, most_events> events{};
  std::array<Stack, most_stacks> stacks{};
  std::array<Site, most_sites> sites{};
  std::array<ThreadState, 32> threads{};
};

/// All zero at first: memory that is mapped is so already, and most of it is never touched.
struct Shared {
  Failure failure = Failure::none;
  bool ran_to_its_end = false;  ///< else an exit status of 0 says nothing: anybody may call exit(0)
  std::array<char, 2048> message{};
  std::uint64_t schedules = 0, steps = 0;
  Choices made;    ///< in the schedule that runs now
  Choices replay;  ///< those to repeat; after the last of them: 0
  SearchState search;
  Journal journal;  ///< kept only if the schedule is drawn
};

}  // namespace explore
