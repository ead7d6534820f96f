#pragma once

#include <string_view>

namespace asyncio {

/// Says how a task is made. Python: the keyword arguments of `create_task`.
struct TaskOptions {
  // Not a std::string: in a `co_await` expression, g++ 12 moves such a temporary by its bytes, and a string
  // does not survive that.
  std::string_view name;  ///< if empty, it is named after its number: "Task-1", "Task-2", … in each loop
};

}  // namespace asyncio
