#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

/// Runs a scenario under many schedules, each chosen and none left to chance.
/// The README beside this file says how; docs/schedule-explorer.md teaches how to read what it finds.
namespace explore {

/// The kind of a failure.
enum class Failure : std::uint8_t {
  none,
  deadlock,         ///< all threads that are left are blocked, and nothing can wake any of them
  stuck_thread,     ///< the scenario has returned, and a thread that it started is blocked for ever
  data_race,        ///< two accesses to the same memory, at least one of them a write, that nothing orders
  use_after_free,   ///< memory is used that has been deleted
  use_after_scope,  ///< a local variable is used of a function that has returned
  misuse,           ///< an unlock without a lock, a condition variable destroyed while a thread waits, …
  check_failed,     ///< an expectation of the scenario
  uncaught,         ///< an exception that nobody catches, or std::terminate
  crash,            ///< a signal
  livelock,         ///< threads go on and on, and none gets anywhere
  not_written,      ///< the scenario came upon a todo()
  limit,            ///< the scenario is more than the explorer can hold
};

/// "deadlock", "data race", …
std::string_view name(Failure failure) noexcept;

/// In which order schedules are tried.
enum class Search : std::uint8_t {
  mixed,       ///< systematic for at most half of the schedules, then random and priorities in turn: for the
               ///< rest or, if the systematic search has tried all, for half as many again,
               ///< and at least 200
  systematic,  ///< all with 0 preemptions, then all with 1, … up to Options::preemptions
  random,      ///< each choice at random
  priorities,  ///< probabilistic concurrency testing: the thread with the highest priority runs, and a few
               ///< times, at random, the one that runs becomes the lowest
};

/// How far a scenario is explored. What is found depends on nothing else: not on the machine, its load or
/// the time.
struct Options {
  std::uint64_t schedules = 2'000;  ///< try at most so many
  int preemptions = 2;  ///< in a systematic search: how often a thread that could go on is put aside
  int spurious = 1;     ///< how often a schedule may wake a thread from a condition variable for no reason
  int timeouts = 1;     ///< how often a schedule may let a time-out come before others have done anything
  int stale = 1;        ///< how often a schedule may let an atomic load read an older value, where its memory
                        ///< order allows it
  int weak = 1;         ///< how often a schedule may let a weak compare-exchange fail for no reason
  Search search = Search::mixed;
  std::uint64_t seed = 1;            ///< of what is random
  std::uint32_t max_steps = 20'000;  ///< a schedule that takes more synchronisations than this gets nowhere
};

/// The outcome of an exploration.
struct Result {
  Failure failure = Failure::none;
  std::string message;     ///< what went wrong, in one sentence
  std::string report;      ///< the whole of it: where each thread is, and the shortest schedule as a table
  std::string diagram;     ///< the schedule as a picture (SVG)
  std::string replay;      ///< names the schedule, for EXPLORE_REPLAY
  bool exhausted = false;  ///< the systematic search has tried all that it may
  std::uint64_t schedules = 0;    ///< how many were tried, the failing one included
  std::uint64_t steps = 0;        ///< synchronisations in all of them
  double seconds = 0;             ///< for these
  double shortening_seconds = 0;  ///< to shorten and draw the one that failed
};

/// Runs `scenario` until a schedule fails, or enough have been tried. Every schedule begins alike: the
/// scenario makes what it uses, and static variables have the values that they had when explore() was called.
/// It is run by child processes.
Result explore(void (*scenario)(), const Options& options = {});

/// For a test: `EXPECT_TRUE(explore::survives([] { … }))`. A failure carries the report.
testing::AssertionResult survives(void (*scenario)(), const Options& options = {});

/// For a test whose point is that something goes wrong: `EXPECT_TRUE(explore::breaks(Failure::deadlock, [] {
/// … }))`. When it does, the report is told to whoever runs the tests.
testing::AssertionResult breaks(Failure wanted, void (*scenario)(), const Options& options = {});

/// True if this thread runs under the explorer now.
bool active() noexcept;

/// The costs of a thread's dealings with others. The standard library's own uses are counted too.
struct Costs {
  std::uint32_t read_modify_writes = 0;  ///< on atomics, those included that have changed nothing
  std::uint32_t locks = 0;               ///< of mutexes, taken or only tried
  std::uint32_t barriers = 0;            ///< stores and fences that are sequentially consistent
  std::uint32_t notifications = 0;       ///< of condition variables and futexes, whether anybody waits or not
};

/// Returns the costs of this thread so far. For tests of what something may cost at most: under the explorer it
/// counts, elsewhere everything is free.
Costs costs() noexcept;

/// Steers: the thread goes on here once others have come to the places 1 to `place` - 1, in this order. If it
/// would have to wait for ever, it goes on all the same. It orders nothing that a data race could hide behind.
/// Elsewhere than under the explorer it does nothing.
void at(int place);

/// Adds a line to the schedule, in the column of this thread.
void note(const char* text);

}  // namespace explore
