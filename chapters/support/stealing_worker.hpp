#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "executor_base.hpp"
#include "inbox.hpp"
#include "job.hpp"
#include "join_counter.hpp"
#include "work_stealing_deque.hpp"

namespace concurrent::detail {

/// A worker of a WorkStealingExecutor: a thread and the work that it has. Only the thread itself pushes to
/// its deques and pops from them; all others steal.
struct StealingWorker {
  StealingWorker(const Executor& executor, std::size_t number) : executor(executor), number(number) {}

  /// True if there is something to run, for this worker or for a thief.
  [[nodiscard]] bool has_work() const noexcept { return !forks.empty() || !jobs.empty() || !inbox.empty(); }

  const Executor& executor;
  const std::size_t number;
  std::uint32_t tick = 0;            // how often it has looked for work
  bool was_asleep = false;           // it may have been woken for work that is still there
  WorkStealingDeque<Forked*> forks;  // the oldest is the largest
  WorkStealingDeque<Job*> jobs;      // posted by its own jobs; the deque owns them
  Inbox inbox;                       // posted from outside
  std::thread thread;
};

/// Moves the job that a deque gave, if it gave one, to `job`, and frees its memory. @returns true if it did
inline bool take(std::optional<Job*> given, Job& job) noexcept {
  if (!given) return false;
  job = std::move(*std::unique_ptr<Job>(*given));
  return true;
}

}  // namespace concurrent::detail
