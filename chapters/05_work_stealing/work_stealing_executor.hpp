#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drop_reason.hpp"
#include "errors.hpp"
#include "event_count.hpp"
#include "executor.hpp"
#include "inbox.hpp"
#include "job.hpp"
#include "join_counter.hpp"
#include "refusal.hpp"
#include "stealing_worker.hpp"
#include "thread_name.hpp"
#include "todo.hpp"
#include "work_stealing_deque.hpp"
#include "worker_count.hpp"

namespace concurrent {

/// Options of a WorkStealingExecutor, with the names of ThreadPoolOptions.
struct WorkStealingOptions {
  std::optional<int> max_workers = std::nullopt;  ///< at least 1; none: one for each core
  std::string thread_name_prefix = {};            ///< as for ThreadPool; empty: `WorkStealingExecutor-<k>`
  std::function<void()> initializer = {};         ///< each worker calls it once, before its first job
  int spins_before_sleep = 8;  ///< looks for work before a worker sleeps: being woken costs much more
};

/// Runs jobs on threads that each have work of their own, and steal from each other when they have none.
/// Made for many small jobs and for work that splits itself: see fork_join() and TaskScope. A job posted by a
/// job goes to the worker's own deque, without a lock, and runs last in, first out; one from outside goes to
/// the inbox of one of the workers. Members may be called from any thread. Python has no counterpart.
class WorkStealingExecutor : public Executor {
 public:
  /// Starts the workers.
  /// @throws std::invalid_argument if `max_workers` is below 1
  /// @throws std::system_error if a thread cannot be started
  explicit WorkStealingExecutor(WorkStealingOptions options = {})
      : initializer_(std::move(options.initializer)), spins_before_sleep_(options.spins_before_sleep) {
    const int count = at_least_1(options.max_workers, "max_workers").value_or(number_of_cores());
    prefix_ = options.thread_name_prefix.empty() ? "WorkStealingExecutor-" + std::to_string(next_executor_++)
                                                 : std::move(options.thread_name_prefix);
    for (int i = 0; i < count; ++i)
      workers_.push_back(std::make_unique<Worker>(*this, static_cast<std::size_t>(i)));
    active_ = workers_.size();
    try {
      for (const auto& worker : workers_) worker->thread = std::thread([this, &worker] { work(*worker); });
    } catch (...) {
      active_ -= static_cast<std::size_t>(
          std::ranges::count_if(workers_, [](const auto& worker) { return !worker->thread.joinable(); }));
      end();
      throw;
    }
  }

  /// Waits until all queued work is done. One of its own workers must not call it.
  ~WorkStealingExecutor() override { end(); }

  /// Queues `job`: a worker's own lies in its deque, one from outside in an inbox. Only then is a worker
  /// woken.
  /// @throws ExecutorShutdown after shutdown(), BrokenThreadPool after an initializer failed
  void post(Job job) override {
    require_job(job, "WorkStealingExecutor::post");
    if (phase_.load(std::memory_order_acquire) != Phase::open) refusal_.raise();
    if (Worker* self = this_worker()) {
      auto owned = std::make_unique<Job>(std::move(job));
      self->jobs.push(owned.get());
      owned.release();
    } else {
      inject(job);
    }
    work_.notify_one();
  }

  /// Takes no more jobs. Those that are queued still run, or, with `.cancel_futures`, are destroyed unrun
  /// before it returns. With `.wait` it returns when all workers have ended. Once more it does only what is
  /// left to do.
  /// @throws Error if one of the executor's own workers asks to wait: it would wait for itself. Nothing is
  /// changed then.
  void shutdown(ShutdownOptions options = {}) override {
    todo("7.1", "WorkStealingExecutor::shutdown");
  }

  /// Returns how many workers there are.
  [[nodiscard]] std::size_t max_workers() const noexcept { return workers_.size(); }

  /// True if the calling thread is one of the workers.
  [[nodiscard]] bool runs_on_this_thread() const noexcept { return this_worker() != nullptr; }

  // Internal, for fork_join.hpp and task_scope.hpp:

  /// Offers `forked` to the other workers. Only for a worker, which must unfork() or join it.
  void fork(detail::Forked& forked) {
    this_worker()->forks.push(&forked);
    if (work_.has_sleepers()) work_.notify_one();
  }

  /// Takes back what was forked last. @returns false if somebody has stolen it
  bool unfork() { return this_worker()->forks.pop().has_value(); }

  /// Returns when nothing of `pending` is left. A worker runs other work meanwhile; any other thread sleeps.
  void join(detail::JoinCounter& pending) {
    Worker* const self = this_worker();
    if (!self) return pending.wait(outside_);
    todo("8.1", "WorkStealingExecutor::join");
  }

  /// Notes that one of `pending` has ended. `pending` may be gone after that.
  void finish(detail::JoinCounter& pending) {
    if (!pending.finish()) return;
    work_.notify_all();
    outside_.notify_all();
  }

 private:
  // A suggestion. All of it is yours to change: the tests see only what is public.

  using Worker = detail::StealingWorker;
  enum class Phase { open, closed, ended };

  [[nodiscard]] Worker* this_worker() const noexcept {
    return current_ && &current_->executor == this ? current_ : nullptr;
  }

  /// Runs on a worker's thread, from its start to its end.
  void work(Worker& self) {
    set_thread_name(prefix_ + "_" + std::to_string(self.number));
    current_ = &self;
    try {
      if (initializer_) initializer_();
    } catch (...) {
      mark_broken(std::current_exception());
      active_.fetch_sub(1);
      try_end();
      return;
    }
    todo("6.1", "WorkStealingExecutor::work");
  }

  /// Looks for a job everywhere and moves it to `job`, which is empty. @returns true if there was one
  bool find_job(Worker& self, Job& job) {
    if (look_elsewhere_first(self, job)) return true;
    todo("6.1", "WorkStealingExecutor::find_job");
  }

  // For 6.1: members of your choice.

  /// Sees to it that each job has its turn, wherever it lies: now and then looks for one where a busy worker
  /// would not come, and moves it to `job`, which is empty. @returns true if there was one
  bool look_elsewhere_first([[maybe_unused]] Worker& self, [[maybe_unused]] Job& job) {
    // 10.2, WorkStealingExecutor::look_elsewhere_first: empty until step 10.
    return false;
  }

  /// True if there is anything for a worker to do.
  [[nodiscard]] bool has_work() const noexcept {
    return std::ranges::any_of(workers_, [](const auto& worker) { return worker->has_work(); });
  }

  /// Ends the executor if nothing may be posted, nothing runs and nothing is left. It looks at active_ last,
  /// because only an active worker brings new work. @returns true if it has ended
  bool try_end() {
    Phase closed = Phase::closed;
    if (phase_.load() == Phase::closed && !has_work() && active_.load() == 0 &&
        phase_.compare_exchange_strong(closed, Phase::ended))
      work_.notify_all();
    return phase_.load() == Phase::ended;
  }

  /// Makes a job of what a worker has forked.
  Job stolen(detail::Forked& forked) {
    return [this, &forked] {
      forked.run();
      finish(forked.pending);
    };
  }

  /// Gives a job from outside to one of the workers: to the next one in turn, unless another thread is at its
  /// inbox.
  void inject(Job& job) {
    static thread_local constinit std::size_t turn = 0;
    for (std::size_t tried = 0;; ++tried) {
      if (++turn >= workers_.size()) turn = 0;
      const bool wait = tried == workers_.size();  // other threads are at all of them
      const Inbox::Push result = workers_[turn]->inbox.push(job, wait);
      if (result == Inbox::Push::closed) refusal_.raise();
      if (result == Inbox::Push::done) return;
    }
  }

  /// Takes no more jobs.
  void close() {
    for (const auto& worker : workers_) worker->inbox.close();
    Phase open = Phase::open;
    phase_.compare_exchange_strong(open, Phase::closed);
    work_.notify_all();
  }

  /// Waits until all workers have ended. Call it after close().
  void join() {
    std::lock_guard joining(join_mutex_);
    for (const auto& worker : workers_)
      if (worker->thread.joinable()) worker->thread.join();
  }

  void end() {
    close();
    join();
  }

  /// Destroys the queued jobs unrun. Forked work stays, because it is part of a job that runs.
  void drop_queued() {
    todo("7.1", "WorkStealingExecutor::drop_queued");
  }

  /// Makes the executor refuse work for good, because an initializer threw `error`.
  void mark_broken(std::exception_ptr error) {
    (*on_exception_)(std::move(error));
    std::exception_ptr reason = std::make_exception_ptr(
        BrokenThreadPool("a thread initializer failed: the executor is not usable any more"));
    todo("7.1", "WorkStealingExecutor::mark_broken");
  }

  static inline std::atomic<std::size_t> next_executor_ = 0;
  static inline thread_local constinit Worker* current_ = nullptr;

  std::string prefix_;
  const std::function<void()> initializer_;
  const int spins_before_sleep_;
  std::vector<std::unique_ptr<Worker>> workers_;  // never changes once the threads have started

  alignas(64) std::atomic<Phase> phase_ = Phase::open;  // read by every post, and written twice
  alignas(64) std::atomic<std::size_t> active_ = 0;     // workers that may have a job, or are looking for one
  EventCount work_;     // workers sleep here, until there is work, or what they join has ended, or all has
  EventCount outside_;  // other threads sleep here, until what they join has ended

  std::mutex join_mutex_;  // lets one join() in at a time: each returns only when all workers have ended
  Refusal refusal_;
};

}  // namespace concurrent
