#pragma once

#include <vector>

#include "loop_task.hpp"
#include "todo.hpp"

namespace asyncio::detail {

/// Asks all tasks of a loop to end.
inline void cancel_all(const std::vector<AnyTask>& tasks) {
  todo("7.2", "cancel_all");
}

}  // namespace asyncio::detail
