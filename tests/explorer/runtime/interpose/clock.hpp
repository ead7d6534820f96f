#pragma once

#include <time.h>

#include "../thread.hpp"

namespace explore::runtime {

/// What the scenario's clocks show to a thread that looks at them.
timespec scenario_time(Thread& thread) noexcept;

}  // namespace explore::runtime
