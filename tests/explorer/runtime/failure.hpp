#pragma once

#include "../explore.hpp"
#include "../shared.hpp"

namespace explore::runtime {

/// The schedule has failed: says why, in one sentence, and ends the process.
[[noreturn, gnu::format(printf, 2, 3)]] void fail(Failure failure, const char* format, ...) noexcept;

/// Adds a place to what fail() will say.
[[gnu::format(printf, 2, 3)]] void add_site(StackId stack, const char* format, ...) noexcept;

/// Sees to it that a crash, an endless loop and an exception that nobody catches fail the schedule.
void watch_for_crashes() noexcept;

/// Gives a schedule so much processor time from now on.
void start_watch() noexcept;

}  // namespace explore::runtime
