#pragma once

#include <sched.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace concurrent {

/// Returns `value` as it is. @throws std::invalid_argument if it is below 1, with `name` in its text
inline std::optional<int> at_least_1(std::optional<int> value, const char* name) {
  if (value && *value < 1)
    throw std::invalid_argument(std::string(name) + " must be at least 1, not " + std::to_string(*value));
  return value;
}

/// Returns how many threads of this process can run at the same time: on as many processors as it may use,
/// which a container or `taskset` may make fewer than the machine has. Python: `os.process_cpu_count`.
inline int number_of_cores() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace concurrent
