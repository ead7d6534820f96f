#pragma once

// Many tasks at a time, for wait() and as_completed().

#include "support.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

using Numbers = std::vector<int>;

/// Makes a task for each delay, which gives that number of seconds after it.
inline std::vector<Task<int>> tasks_after(std::vector<Duration> delays) {
  std::vector<Task<int>> tasks;
  for (const Duration delay : delays)
    tasks.push_back(create_task(after(delay, static_cast<int>(delay / 1s))));
  return tasks;
}

/// Returns the results of tasks that are done, in order.
inline std::vector<int> results(const std::vector<Task<int>>& tasks) {
  std::vector<int> numbers;
  for (const Task<int>& task : tasks) numbers.push_back(task.result());
  return numbers;
}

/// Counts the callbacks that the running loop calls while `until` lasts. In debug mode it tells of each that
/// is slow.
inline Coro<std::ptrdiff_t> callbacks_in(Coro<> until) {
  EventLoop& loop = get_running_loop();
  loop.slow_callback_duration = 0s;
  testing::internal::CaptureStderr();
  loop.set_debug(true);
  co_await std::move(until);
  loop.set_debug(false);
  const std::string text = testing::internal::GetCapturedStderr();
  co_return std::ranges::count(text, '\n');
}
