#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>

#include "drop_reason.hpp"
#include "errors.hpp"
#include "exception_handler.hpp"
#include "job.hpp"
#include "ring.hpp"
#include "thread_pool.hpp"
#include "todo.hpp"

namespace concurrent {

template <class T>
class Future;  // chapter 3 writes it

/// What a call of a copy of `fn` with copies of `args` returns.
template <class F, class... Args>
using CallResult = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;

/// How an executor shuts down. Python: the arguments of `Executor.shutdown`.
struct ShutdownOptions {
  bool wait = true;  ///< return only when all work has ended
  bool cancel_futures =
      false;  ///< destroy the jobs that have not started, unrun: their futures are cancelled
};

/// How Executor::map goes. Python: the keyword arguments of `Executor.map`.
struct MapOptions {
  std::optional<std::chrono::nanoseconds> timeout =
      std::nullopt;  ///< for the whole iteration, from the call of map()
  std::optional<std::size_t> buffersize =
      std::nullopt;  ///< the most calls that are submitted and not yet read
};

/// Something that runs jobs: the one interface in front of every engine. It says *that* a job runs, once,
/// and leaves open where and when. Unless an engine says otherwise, members may be called from any thread.
/// Python: `concurrent.futures.Executor`.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor() = default;

  /// Takes `job` and runs it once, now or later, unless shutdown() cancels it first; destroys it in any case.
  /// What the job throws goes to the exception handler.
  /// @throws std::invalid_argument if `job` is null
  /// @throws ExecutorShutdown after shutdown()
  virtual void post(Job job) = 0;

  /// Takes no more jobs; those queued still run, unless they are to be cancelled. It may be called again.
  virtual void shutdown(ShutdownOptions options = {}) = 0;

  /// Runs `fn(args...)` and gives the future of its result at once. `fn` and `args` are copied or moved in
  /// (std::ref passes a reference). Chapter 3 writes it. Python: `Executor.submit`.
  template <class F, class... Args>
  Future<CallResult<F, Args...>> submit(F&& fn, Args&&... args);

  /// Runs `fn` on each item, or on the items of two or three ranges side by side until the shortest ends, and
  /// gives the results as a range in the order of the items. Chapter 3 writes it. Python: `Executor.map`.
  template <class F, std::ranges::input_range Items>
  auto map(F fn, Items&& items, MapOptions options = {});
  template <class F, std::ranges::input_range Items, std::ranges::input_range Items2>
  auto map(F fn, Items&& items, Items2&& items2, MapOptions options = {});
  template <class F, std::ranges::input_range Items, std::ranges::input_range Items2,
            std::ranges::input_range Items3>
  auto map(F fn, Items&& items, Items2&& items2, Items3&& items3, MapOptions options = {});

  /// Sets what is told of exceptions that escape from posted jobs; empty: a line on stderr.
  void set_exception_handler(ExceptionHandler::Function handler) { on_exception_->set(std::move(handler)); }

 protected:
  /// Runs `job` on this thread; what it throws goes to the exception handler.
  void run(Job job) const noexcept { run(std::move(job), *on_exception_); }

  static void run(Job job, const ExceptionHandler& on_exception) noexcept {
    try {
      job();
    } catch (...) {
      on_exception(std::current_exception());
    }
  }

  /// Shared with whatever may still run a job when this object is gone.
  const std::shared_ptr<ExceptionHandler> on_exception_ = std::make_shared<ExceptionHandler>();
};

/// Runs each job at once, on the thread that posts it: the sequential baseline as an executor.
class InlineExecutor : public Executor {
 public:
  void post(Job job) override {
    require_job(job, "InlineExecutor::post");
    // TODO 1.1: Refuse the job after shutdown. Else run() it.
    todo("1.1", "InlineExecutor::post");
  }

  /// There is nothing to wait for or to cancel: no job is ever queued. A job that another thread is just
  /// running is that thread's affair.
  void shutdown(ShutdownOptions options = {}) override {
    // TODO 1.2: Note it.
    todo("1.2", "InlineExecutor::shutdown");
  }

 private:
  std::atomic<bool> shut_down_ = false;
};

/// Queues jobs until you run them by hand, one by one: made for tests, where you want to be the scheduler.
class ManualExecutor : public Executor {
 public:
  /// Destroys the jobs that nobody ran.
  ~ManualExecutor() override { close({.cancel_futures = true}); }

  void post(Job job) override {
    require_job(job, "ManualExecutor::post");
    // TODO 2.1: Under the lock, refuse the job after shutdown; else queue it.
    todo("2.1", "ManualExecutor::post");
  }

  /// Runs the oldest job on this thread. @returns false if there was none
  bool run_one() {
    // TODO 2.2: Take the oldest job under the lock; run() it without the lock.
    todo("2.2", "ManualExecutor::run_one");
  }

  /// Runs jobs until there is none, those included that are posted meanwhile. @returns how many it ran
  std::size_t run_all() {
    // TODO 2.3: Call run_one() until there is nothing left, and count.
    todo("2.3", "ManualExecutor::run_all");
  }

  /// How many jobs are queued.
  [[nodiscard]] std::size_t pending() const {
    std::lock_guard lock(mutex_);
    return jobs_.size();
  }

  /// To wait means to run what is queued, on this thread: nobody else would. A job that another thread is
  /// just running is not waited for.
  void shutdown(ShutdownOptions options = {}) override {
    // TODO 2.4: close() the executor; that drops what is queued, if asked.
    // Then, if the caller waits, run what is left.
    todo("2.4", "ManualExecutor::shutdown");
  }

 private:
  /// Refuses jobs from now on. Those to be cancelled are destroyed without the lock: their destructors may
  /// call us.
  void close(ShutdownOptions options) {
    Ring<Job> dropped;
    std::lock_guard lock(mutex_);
    shut_down_ = true;
    if (options.cancel_futures) dropped.swap(jobs_);
  }

  mutable std::mutex mutex_;
  Ring<Job> jobs_;
  bool shut_down_ = false;
};

/// Runs jobs on the threads of a pool. Python: `concurrent.futures.ThreadPoolExecutor`.
class ThreadPoolExecutor : public Executor {
 public:
  /// @param options as for ThreadPool; the default prefix of the workers' names is `ThreadPoolExecutor-<k>`
  /// @throws std::invalid_argument if `max_workers` is below 1
  explicit ThreadPoolExecutor(ThreadPoolOptions options = {}) : pool_(named(std::move(options))) {
    pool_.set_exception_handler(
        [handler = on_exception_](std::exception_ptr error) { (*handler)(std::move(error)); });
  }

  /// Waits until all queued work is done, as at the end of Python's `with` block.
  ~ThreadPoolExecutor() override { pool_.shutdown(); }

  /// @throws BrokenThreadPool after an initializer failed
  void post(Job job) override {
    // TODO 3.1: Hand the job to the pool.
    todo("3.1", "ThreadPoolExecutor::post");
  }

  /// @throws Error if one of the pool's own workers asks to wait
  void shutdown(ShutdownOptions options = {}) override {
    // TODO 3.2: Say it in the pool's words.
    todo("3.2", "ThreadPoolExecutor::shutdown");
  }

  /// How many threads have been started so far: none before the first job, and at most `max_workers`.
  [[nodiscard]] std::size_t threads_started() const { return pool_.threads_started(); }
  [[nodiscard]] std::size_t max_workers() const noexcept { return pool_.max_workers(); }

 private:
  static ThreadPoolOptions named(ThreadPoolOptions options) {
    static std::atomic<std::size_t> next = 0;
    if (options.thread_name_prefix.empty())
      options.thread_name_prefix = "ThreadPoolExecutor-" + std::to_string(next++);
    return options;
  }

  ThreadPool pool_;
};

/// Runs jobs one at a time, in the order of the posts, on any executor: what they share needs no lock.
/// Also known as a strand. A job that posts to its own strand goes on; the new job runs after it, never
/// inside it. The executor must outlive the last job. If it destroys work unrun, the jobs queued here are
/// destroyed too. Python has no counterpart in `concurrent.futures`; an event loop gives the same promise.
class SerialExecutor : public Executor {
 public:
  explicit SerialExecutor(Executor& executor) : strand_(std::make_shared<Strand>(executor, on_exception_)) {}

  /// Does not wait: what is queued still runs on the executor underneath.
  ~SerialExecutor() override { strand_->shutdown({.wait = false}); }

  /// @throws what the executor underneath throws if it refuses work; all jobs queued here are destroyed then
  void post(Job job) override {
    require_job(job, "SerialExecutor::post");
    strand_->post(std::move(job));
  }

  /// With `wait`, returns when no job is queued or runs: somebody else must be there to run them. If a
  /// ManualExecutor is underneath, another thread must run it; if a pool is, its last free worker must not
  /// wait.
  /// @throws Error if a job of this executor asks to wait: it would wait for itself. Nothing is changed then.
  void shutdown(ShutdownOptions options = {}) override { strand_->shutdown(options); }

 private:
  /// The queue. The drain jobs on the executor underneath share it, so it lives for as long as anyone needs
  /// it.
  class Strand : public std::enable_shared_from_this<Strand> {
   public:
    Strand(Executor& executor, std::shared_ptr<ExceptionHandler> on_exception)
        : executor_(executor), on_exception_(std::move(on_exception)) {}

    void post(Job job) {
      // TODO 4.1: Under the lock, refuse the job after shutdown; else queue it. If
      // the strand is not active, it is now: post_drain_job(), without the lock.
      todo("4.1", "SerialExecutor::post");
    }

    void shutdown(ShutdownOptions options) {
      if (options.wait && runs_on_this_thread())
        throw Error("a job cannot wait for its own SerialExecutor to shut down");
      {
        std::lock_guard lock(mutex_);
        shut_down_ = true;
      }
      if (options.cancel_futures) drop_queued();
      if (!options.wait) return;
      // TODO 4.4: Wait until the strand is not active.
      todo("4.4", "SerialExecutor::shutdown");
    }

   private:
    /// The right to run the strand's jobs, as a job of the executor underneath. There is at most one, so one
    /// job runs at a time.
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

    /// A drain job that runs, on the stack of its thread, and the drain job of another strand that it runs
    /// in, if any.
    struct Running {
      explicit Running(const Strand& strand) : strand(strand), outer(std::exchange(innermost, this)) {}
      Running(const Running&) = delete;
      Running& operator=(const Running&) = delete;
      ~Running() { innermost = outer; }

      const Strand& strand;
      Running* const outer;
      bool ran_inline = false;  // the drain job that it has posted came back at once
      static inline thread_local Running* innermost = nullptr;
    };

    void post_drain_job() { executor_.post(DrainJob(shared_from_this())); }

    void run_drain_job() {
      if (ran_inline()) return;
      Running running(*this);
      drain();
    }

    void drain() {
      // TODO 4.2: Run jobs until there is none, each destroyed before you take
      // the next. After batch_size of them, try_yield(), so that the executor's other jobs have their turn,
      // and return; if that fails, go on.
      todo("4.2", "SerialExecutor::drain");
    }

    /// The next job; if there is none, the strand is not active any more.
    std::optional<Job> take_next() {
      // TODO 4.3: Take the oldest job, under the lock. If there is none, the
      // strand is not active any more: wake whoever waits for that.
      todo("4.3", "SerialExecutor::take_next");
    }

    /// Posts a new drain job. @returns false if it came back, so that this one must go on: the executor is
    /// shutting down and refused it, or runs jobs inside post(), where drain jobs would pile up on the stack.
    bool try_yield() {
      Running& running = *Running::innermost;
      running.ran_inline = false;
      try {
        post_drain_job();
      } catch (...) {  // it was destroyed on the way here, and came back
      }
      return !running.ran_inline;
    }

    /// Whether the drain job that this thread is about to run or to destroy has just been handed on by this
    /// very thread. If so, lets try_yield() know.
    bool ran_inline() noexcept {
      Running* const running = Running::innermost;
      if (!running || &running->strand != this) return false;
      return running->ran_inline = true;
    }

    /// A drain job that is destroyed unrun takes the jobs that waited for it along, one by one and without
    /// the lock.
    void drop_drain_job() noexcept {
      if (ran_inline()) return;
      while (take_next()) {
      }
    }

    void drop_queued() {
      Ring<Job> dropped;  // destroyed without the lock
      std::lock_guard lock(mutex_);
      dropped.swap(jobs_);
    }

    bool runs_on_this_thread() const noexcept {
      const Running* running = Running::innermost;
      while (running && &running->strand != this) running = running->outer;
      return running != nullptr;
    }

    static constexpr int batch_size = 256;

    Executor& executor_;
    const std::shared_ptr<ExceptionHandler> on_exception_;
    std::mutex mutex_;
    std::condition_variable idle_;
    Ring<Job> jobs_;
    bool active_ = false;  // a drain job is posted or runs
    bool shut_down_ = false;
  };

  const std::shared_ptr<Strand> strand_;
};

namespace detail {

/// Waits for a group of jobs. Each holds a Token and gives it back when it is destroyed, whether it ran or
/// not.
class WaitGroup {
 public:
  class Token {
   public:
    explicit Token(WaitGroup& group) : group_(&group) { group.add(); }
    Token(Token&& other) noexcept
        : group_(std::exchange(other.group_, nullptr)), outcome_(std::move(other.outcome_)) {}
    ~Token() {
      if (group_) group_->finish(outcome_ ? std::move(*outcome_) : why_dropped());
    }

    /// Says how the job ended; null: well. A job that never says so did not run.
    void set(std::exception_ptr error) noexcept { outcome_ = std::move(error); }

   private:
    static std::exception_ptr why_dropped() {
      const std::exception_ptr reason = DropReason::current();
      return reason ? reason : std::make_exception_ptr(CancelledError());
    }

    WaitGroup* group_;
    std::optional<std::exception_ptr> outcome_;
  };

  /// Waits until every token is back. @returns the first error that came, or null
  std::exception_ptr wait() {
    std::unique_lock lock(mutex_);
    all_back_.wait(lock, [this] { return out_ == 0; });
    return first_error_;
  }

 private:
  void add() {
    std::lock_guard lock(mutex_);
    ++out_;
  }
  void finish(std::exception_ptr error) {
    std::lock_guard lock(mutex_);
    if (error && !first_error_) first_error_ = std::move(error);
    if (--out_ == 0) all_back_.notify_one();  // under the lock: the one who waits may destroy us right after
  }

  std::mutex mutex_;
  std::condition_variable all_back_;
  std::size_t out_ = 0;
  std::exception_ptr first_error_;
};

}  // namespace detail

/// Calls `fn(item)` for each item, each in a job of its own on `executor`, and returns when all have ended.
/// `fn` is shared by the calls, which may run at the same time. Python: `list(executor.map(fn, items))`.
///
/// The calling thread only waits: do not call it from the executor's last free worker, nor on a
/// ManualExecutor that no other thread runs.
/// @throws what post() threw if the executor refused a job; else the first error of a call, in time: what
/// `fn` threw, or, if the executor destroyed a job unrun, the reason, which is CancelledError if it gave none
template <std::ranges::forward_range Items, class F>
requires std::invocable<F&, std::ranges::range_reference_t<Items>>
void parallel_for(Executor& executor, Items&& items, F fn) {
  // TODO 5.1: Post a job for each item, with a Token of one WaitGroup; the job says how its
  // call ended. If the executor refuses a job, post no more. In any case wait for all that were posted; throw
  // the refusal, if there was one, else the first error.
  todo("5.1", "parallel_for");
}

}  // namespace concurrent
