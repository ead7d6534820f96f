#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

#include "future.hpp"
#include "join_counter.hpp"
#include "todo.hpp"
#include "work_stealing_executor.hpp"

namespace concurrent {

namespace detail {

// For 8.1: members of your choice.

}  // namespace detail

/// Calls `f()` and `g()`, at the same time if another worker has nothing else to do, and returns when both
/// have ended. Made for work that splits itself: it allocates nothing, and costs little more than the two
/// calls. While one of them still runs elsewhere, the calling worker runs other work: nothing in `f` or `g`
/// may wait for what the caller holds, a lock for instance. Called from outside, it goes to a worker first.
/// @throws what `f` threw; else what `g` threw. Both are called in any case, also without memory for a fork.
/// @throws ExecutorShutdown if it is called from outside after shutdown(), CancelledError if it never began
template <class F, class G>
requires std::invocable<F&> && std::invocable<G&>
void fork_join(WorkStealingExecutor& executor, F&& f, G&& g) {
  if (!executor.runs_on_this_thread()) return executor.submit([&] { fork_join(executor, f, g); }).result();
  todo("8.1", "fork_join");
}

}  // namespace concurrent
