#pragma once

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

/// Returns how many threads can run at the same time; 1 if the system does not tell.
inline int number_of_cores() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

}  // namespace concurrent
