#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "errors.hpp"
#include "exception_handler.hpp"
#include "executor_base.hpp"
#include "job.hpp"
#include "ring.hpp"
#include "todo.hpp"

namespace concurrent {

/// Runs jobs one at a time, in the order of the posts, on any executor: what they share needs no lock. Also
/// known as a strand. A job may post to its own strand; the new job runs after it, never inside it. The
/// executor must outlive the last job. If it destroys work unrun, the jobs queued here are destroyed too.
/// Python has no counterpart in `concurrent.futures`; an event loop gives the same promise.
class SerialExecutor : public Executor {
 public:
  explicit SerialExecutor(Executor& executor) : strand_(std::make_shared<Strand>(executor, on_exception_)) {}
  /// A strand on a strand, and no copy of it.
  explicit SerialExecutor(SerialExecutor& executor) : SerialExecutor(static_cast<Executor&>(executor)) {}

  /// Does not wait: what is queued still runs on the executor underneath.
  ~SerialExecutor() override { strand_->shutdown({.wait = false}); }

  /// @throws what the executor underneath throws if it refuses work; all jobs queued here are destroyed then
  void post(Job job) override {
    require_job(job, "SerialExecutor::post");
    strand_->post(std::move(job));
  }

  /// With `wait`, returns when no job is queued or runs, so another thread must be there to run them. If a
  /// ManualExecutor is underneath, another thread must run it; if a pool is, its last free worker must not
  /// wait.
  /// @throws Error if a job of this executor asks to wait: it would wait for itself. Nothing is changed then.
  void shutdown(ShutdownOptions options = {}) override { strand_->shutdown(options); }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  /// The queue, shared with the drain jobs on the executor underneath, so that it lives for as long as one of
  /// them needs it.
  class Strand : public std::enable_shared_from_this<Strand> {
   public:
    Strand(Executor& executor, std::shared_ptr<ExceptionHandler> on_exception)
        : executor_(executor), on_exception_(std::move(on_exception)) {}

    /// Queues the job, and sees to it that a drain job comes for it. The executor underneath may run the
    /// drain job inside its post(), or throw.
    void post(Job job) {
      // <exercise 4.1 SerialExecutor::post>
      {
        std::lock_guard lock(mutex_);
        if (shut_down_) throw ExecutorShutdown();
        jobs_.push_back(std::move(job));
        if (std::exchange(active_, true)) return;
      }
      post_drain_job();
      // </exercise>
    }

    /// Ends the strand, not the executor underneath. The destructor of SerialExecutor calls it too.
    void shutdown(ShutdownOptions options) {
      // <exercise 4.3 quiet SerialExecutor::shutdown>
      if (options.wait && runs_on_this_thread())
        throw Error("a job cannot wait for its own SerialExecutor to shut down");
      Ring<Job> dropped;
      std::unique_lock lock(mutex_);
      shut_down_ = true;
      if (options.cancel_futures) dropped.swap(jobs_);
      lock.unlock();
      dropped = {};  // without the lock: destructors may call this executor
      if (!options.wait) return;
      lock.lock();
      idle_.wait(lock, [this] { return !active_; });
      // </exercise>
    }

   private:
    /// A job of the executor underneath that runs the strand's jobs. There is at most one of it, so one of
    /// the strand's jobs runs at a time. Its destructor tells the strand if it never ran.
    class DrainJob {
     public:
      explicit DrainJob(std::shared_ptr<Strand> strand) noexcept : strand_(std::move(strand)) {}
      DrainJob(DrainJob&& other) noexcept = default;
      ~DrainJob() {
        if (strand_) strand_->drop_drain_job();
      }
      void operator()() { std::exchange(strand_, nullptr)->run_drain_job(); }

     private:
      std::shared_ptr<Strand> strand_;
    };

    /// Marks, on the stack of its thread, that a drain job of `strand` runs there, perhaps inside one of
    /// another strand.
    struct Running {
      explicit Running(const Strand& strand) : strand(strand), outer(std::exchange(innermost, this)) {}
      Running(const Running&) = delete;
      Running& operator=(const Running&) = delete;
      ~Running() { innermost = outer; }

      const Strand& strand;
      Running* const outer;
      bool ran_inline = false;  // the drain job that it posted was run or destroyed inside post()
      static inline thread_local Running* innermost = nullptr;
    };

    void post_drain_job() { executor_.post(DrainJob(shared_from_this())); }

    void run_drain_job() {
      if (ran_inline()) return;
      Running running(*this);
      drain();
    }

    /// Runs the queued jobs, the oldest first, until there is none or another drain job goes on with them.
    /// Destroys each before it takes the next.
    void drain() {
      // <exercise 4.2 SerialExecutor::drain>
      std::optional<Job> job = take_next();
      while (job) {
        Executor::run(*std::move(job), *on_exception_);
        if (try_yield()) return;
        job = take_next();
      }
      // </exercise>
    }

    /// Returns the next job. If there is none, the strand is not active any more.
    std::optional<Job> take_next() {
      std::lock_guard lock(mutex_);
      if (!jobs_.empty()) return jobs_.take_front();
      active_ = false;
      idle_.notify_all();
      return std::nullopt;
    }

    // <exercise 5.1 members SerialExecutor>

    /// Posts a new drain job behind the executor's other jobs. @returns false if the present one must go on,
    /// because the executor refused the new one, or runs jobs inside post(), where drain jobs would pile up
    /// on the stack
    bool try_yield() {
      Running& running = *Running::innermost;
      running.ran_inline = false;
      try {
        post_drain_job();
      } catch (...) {  // it has been destroyed, and ran_inline() has noted that
      }
      return !running.ran_inline;
    }

    /// True if this very thread has just posted, in try_yield(), the drain job that it is about to run or to
    /// destroy. Then it also notes that for try_yield().
    bool ran_inline() noexcept {
      Running* const running = Running::innermost;
      if (!running || &running->strand != this) return false;
      return running->ran_inline = true;
    }

    /// Destroys the queued jobs because their drain job was destroyed unrun: one by one, and without the
    /// lock.
    void drop_drain_job() noexcept {
      if (ran_inline()) return;
      while (take_next()) {
      }
    }

    // </exercise>

    bool runs_on_this_thread() const noexcept {
      const Running* running = Running::innermost;
      while (running && &running->strand != this) running = running->outer;
      return running != nullptr;
    }

    Executor& executor_;
    const std::shared_ptr<ExceptionHandler> on_exception_;
    std::mutex mutex_;              // guards all below
    std::condition_variable idle_;  // where shutdown() waits until the strand is not active
    Ring<Job> jobs_;
    bool active_ = false;  // a drain job is posted or runs
    bool shut_down_ = false;
  };

  const std::shared_ptr<Strand> strand_;
};

}  // namespace concurrent
