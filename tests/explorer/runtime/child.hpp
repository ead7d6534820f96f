#pragma once

#include <cstdint>

#include "../explore.hpp"
#include "../shared.hpp"
#include "world.hpp"

namespace explore::runtime {

/// Exit statuses of a process that has run schedules: all of them are well, or one has failed.
inline constexpr int all_well = 0, one_failed = 42;

/// Turns this process into one that runs schedules, runs them, and ends.
[[noreturn]] void run_schedules(void (*scenario)(), const Options& options, Mode mode,
                                Shared& shared) noexcept;

}  // namespace explore::runtime
