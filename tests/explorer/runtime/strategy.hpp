#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "thread.hpp"

/// Decides how a schedule goes on wherever it could go on in more than one way.
namespace explore::runtime::strategy {

/// Makes what it remembers. Call it once in a process.
void open() noexcept;

/// A schedule begins.
void begin() noexcept;

/// Makes the systematic search ready for its next schedule. @returns false if it has tried everything
bool advance() noexcept;

/// True if the schedule that runs now belongs to the systematic search.
bool is_systematic() noexcept;

/// One way to go on: the thread runs, or wakes up because of something that could happen to it.
struct Way {
  enum class Event : std::uint8_t { none, spurious, timeout };
  Thread* thread = nullptr;
  Event event = Event::none;
};

/// Which thread is next. @param going_on how many of the ways, the first ones, need no event
/// @param preempts whether the first way is the running thread, so that any other is a preemption
std::size_t choose(std::span<const Way> ways, std::size_t going_on, bool preempts) noexcept;

/// One of several that are all alike: which of the waiting threads is notified.
std::size_t choose_among(std::size_t ways) noexcept;

/// How old a value an atomic load reads; 0 is the newest.
std::size_t choose_age(std::size_t ways) noexcept;

/// True if a weak compare-exchange is to fail although it need not.
bool choose_to_fail() noexcept;

/// A priority for a new thread.
int new_priority() noexcept;

}  // namespace explore::runtime::strategy
