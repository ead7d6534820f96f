#pragma once

#include <time.h>

#include "../thread.hpp"

namespace explore::runtime {

/// The time that the scenario's clocks show to a thread.
timespec scenario_time(Thread& thread) noexcept;

}  // namespace explore::runtime
