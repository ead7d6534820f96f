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

// <exercise 8.1 members your choice>
/// A function that was offered to other workers, and its error.
template <class G>
class ForkedCall final : public Forked {
 public:
  explicit ForkedCall(G& call) : call_(call) {}

  void run() noexcept override {
    try {
      std::invoke(call_);
    } catch (...) {
      error = std::current_exception();
    }
  }

  std::exception_ptr error;

 private:
  G& call_;
};
// </exercise>

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
  // <exercise 8.1 fork_join>
  detail::ForkedCall<std::remove_reference_t<G>> forked(g);
  bool has_forked = true;
  try {
    executor.fork(forked);
  } catch (const std::bad_alloc&) {
    has_forked = false;
  }
  std::exception_ptr error;
  try {
    std::invoke(f);
  } catch (...) {
    error = std::current_exception();
  }
  if (!has_forked || executor.unfork())
    forked.run();
  else
    executor.join(forked.pending);
  if (error) std::rethrow_exception(error);
  if (forked.error) std::rethrow_exception(forked.error);
  // </exercise>
}

}  // namespace concurrent
