#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "loop_task.hpp"
#include "todo.hpp"

namespace asyncio::detail {

/// Asks all tasks of a loop to end, each of them once. `tasks` are all that the loop has: then a task that
/// waits for another one gets to know through that. It takes a step for each, also if they are one long
/// chain, and a circle of them ends too.
inline void cancel_all(const std::vector<AnyTask>& tasks) {
  // <exercise 8.1 cancel_all>
  std::unordered_map<TaskBase*, std::size_t> walked;  // and by which walk
  for (std::size_t walk = 0; walk < tasks.size(); ++walk) {
    TaskBase* task = tasks[walk].state().task();
    while (true) {
      const auto [found, is_new] = walked.emplace(task, walk);
      if (!is_new) {
        if (found->second == walk) task->request_cancel();  // come round: this ends the circle
        break;
      }
      FutureBase* const awaited = task->waits_for();
      TaskBase* const next = awaited ? awaited->task() : nullptr;
      if (!next || next->done()) {
        task->request_cancel();
        break;
      }
      task->count_request();
      task = next;
    }
  }
  // </exercise>
}

}  // namespace asyncio::detail
