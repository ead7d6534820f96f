#pragma once

#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <ranges>
#include <utility>

#include "drop_reason.hpp"
#include "executor_base.hpp"
#include "todo.hpp"

namespace concurrent {

namespace detail {

/// Waits for a group of jobs, each of which reports to it once, whether it has run or not. A suggestion: the
/// tests see only parallel_for().
class WaitGroup {
  // For 6.1: members of WaitGroup.
};

}  // namespace detail

/// Calls `fn(item)` for each item, each in a job of its own on `executor`, and returns when all have ended.
/// `fn` is shared by the calls, which may run at the same time. Python: `list(executor.map(fn, items))`.
///
/// The calling thread only waits. So do not call it from the executor's last free worker, nor on a
/// ManualExecutor that no other thread runs.
/// @throws what post() threw if the executor refused a job; else the first error of a call, in time: the
/// exception of `fn` or, if the executor destroyed a job unrun, the reason, which is CancelledError if it
/// gave none
template <std::ranges::forward_range Items, class F>
requires std::invocable<F&, std::ranges::range_reference_t<Items>>
void parallel_for(Executor& executor, Items&& items, F fn) {
  todo("6.2", "parallel_for");
}

}  // namespace concurrent
