#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "blocking_queue.hpp"
#include "drop_reason.hpp"
#include "errors.hpp"
#include "exception_handler.hpp"
#include "job.hpp"
#include "refusal.hpp"
#include "thread_name.hpp"
#include "todo.hpp"
#include "worker_count.hpp"

namespace concurrent {

/// Returns how many workers a pool has by default: enough to keep the cores busy while some of them wait, and
/// few enough for a machine with many cores. Python: `min(32, os.process_cpu_count() + 4)`.
inline int default_max_workers() { return std::min(32, number_of_cores() + 4); }

/// Options of a ThreadPool. Python: the arguments of `ThreadPoolExecutor`.
struct ThreadPoolOptions {
  std::optional<int> max_workers = std::nullopt;  ///< at least 1; none: default_max_workers()
  std::string thread_name_prefix = {};     ///< workers are called `<prefix>_<n>`; empty: `ThreadPool-<k>`
  std::function<void()> initializer = {};  ///< each worker calls it once, before its first job
};

/// Options of ThreadPool::shutdown().
struct PoolShutdown {
  bool wait = true;           ///< return only when all workers have ended
  bool drop_pending = false;  ///< destroy the jobs that have not started, unrun
};

/// Threads that are started once and run many jobs. Unless said otherwise, members may be called from any
/// thread. Python: the engine inside `concurrent.futures.ThreadPoolExecutor`.
class ThreadPool {
 public:
  /// Starts no thread yet.
  /// @throws std::invalid_argument if `max_workers` is below 1
  explicit ThreadPool(ThreadPoolOptions options = {}) : initializer_(std::move(options.initializer)) {
    max_workers_ = static_cast<std::size_t>(
        at_least_1(options.max_workers, "max_workers").value_or(default_max_workers()));
    prefix_ = options.thread_name_prefix.empty() ? "ThreadPool-" + std::to_string(next_pool_++)
                                                 : std::move(options.thread_name_prefix);
  }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs what is queued, then ends the workers, as shutdown() does. One of the pool's own workers must not
  /// call it.
  ~ThreadPool() {
    // <exercise 4.1 quiet ThreadPool::~ThreadPool>
    close();
    join();
    // </exercise>
  }

  /// Queues `job`; a worker runs it, in the order of the posts. Starts a worker if none is idle and there may
  /// be more.
  /// @throws std::invalid_argument if `job` is null
  /// @throws ExecutorShutdown after shutdown()
  /// @throws BrokenThreadPool after an initializer failed
  /// @throws std::system_error if the first thread cannot be started
  void post(Job job) {
    require_job(job, "ThreadPool::post");
    // <exercise 4.1 ThreadPool::post>
    try {
      // Without the pool's lock, once there is no worker left to start: step 6.
      if (all_started_.load(std::memory_order_acquire)) return jobs_.push(std::move(job));
      std::lock_guard lock(mutex_);
      if (!jobs_.closed() && jobs_.idle() == 0) start_worker();
      jobs_.push(std::move(job));
    } catch (const Closed&) {
      refusal_.raise();
    }
    // </exercise>
  }

  /// Takes no more jobs. Those queued still run, or are destroyed with `drop_pending`; those running always
  /// finish. It may be called again, for instance to wait after all.
  /// @throws Error if one of the pool's own workers asks to wait: it would wait for itself. Nothing is
  /// changed then.
  void shutdown(PoolShutdown options = {}) {
    if (options.wait && worker_of_ == this) throw Error("a worker cannot wait for its own pool to shut down");
    // <exercise 5.1 ThreadPool::shutdown>
    close();
    while (options.drop_pending && jobs_.try_pop()) {  // destroys a job, and no lock is held
    }
    if (options.wait) join();
    // </exercise>
  }

  /// Sets the function that is called, on the worker's thread, with each exception that escapes from a job.
  /// An empty one stands for the default, which writes a line to stderr.
  void set_exception_handler(ExceptionHandler::Function handler) { on_exception_.set(std::move(handler)); }

  /// Returns how many workers have been started so far.
  [[nodiscard]] std::size_t threads_started() const {
    // <exercise 4.1 ThreadPool::threads_started>
    std::lock_guard lock(mutex_);
    return workers_.size();
    // </exercise>
  }

  /// Returns how many workers there may be.
  [[nodiscard]] std::size_t max_workers() const noexcept { return max_workers_; }

 private:
  /// Runs as worker `number`, on a thread of its own, until nothing is left for it to do. Lets no
  /// exception out.
  void work(std::size_t number) {
    set_thread_name(prefix_ + "_" + std::to_string(number));
    worker_of_ = this;
    try {
      if (initializer_) initializer_();
    } catch (...) {
      return mark_broken(std::current_exception());
    }
    // <exercise 4.1 ThreadPool::work>
    while (std::optional<Job> job = jobs_.pop()) {
      try {
        (*job)();
      } catch (...) {
        on_exception_(std::current_exception());
      }
    }
    // </exercise>
  }

  /// Breaks the pool, because an initializer threw `error`. Called on the worker on which it did.
  void mark_broken(std::exception_ptr error) {
    on_exception_(std::move(error));
    // <exercise 5.1 ThreadPool::mark_broken>
    const std::exception_ptr reason = refusal_.keep(std::make_exception_ptr(
        BrokenThreadPool("a thread initializer failed: the pool is not usable any more")));
    close();  // after the reason is kept: a post() that finds the queue closed must find it
    DropReason drop(reason);
    while (jobs_.try_pop()) {
    }
    // </exercise>
  }

  static inline std::atomic<std::size_t> next_pool_ = 0;
  static inline thread_local const ThreadPool* worker_of_ = nullptr;

  std::size_t max_workers_ = 0;
  std::string prefix_;
  const std::function<void()> initializer_;
  ExceptionHandler on_exception_;
  BlockingQueue<Job> jobs_;

  // The rest is yours: the tests see only what is public.
  // <exercise 4.1 members ThreadPool>
  /// Starts one more worker, if there may be one. Call it under the lock.
  void start_worker() {
    if (workers_.size() == max_workers_) return;
    try {
      workers_.emplace_back([this, number = workers_.size()] { work(number); });
    } catch (const std::system_error&) {
      if (workers_.empty()) throw;  // otherwise those that are there do the work
    }
    all_started_.store(workers_.size() == max_workers_, std::memory_order_release);
  }
  std::atomic<bool> all_started_ = false;  // workers_ is full: nothing is left to be decided under the lock

  /// Closes the queue, so that no more jobs are taken and no more workers start.
  void close() {
    std::lock_guard lock(mutex_);  // so that no post() is about to start a worker
    jobs_.close();
  }

  /// Waits until all workers have ended. Call it after close().
  void join() {
    std::lock_guard joining(join_mutex_);
    for (std::thread& worker : workers_)
      if (worker.joinable()) worker.join();
  }
  std::mutex join_mutex_;  // lets one join() in at a time: each returns only when all workers have ended

  Refusal refusal_;
  mutable std::mutex mutex_;  // guards workers_ until the queue is closed
  std::vector<std::thread> workers_;
  // </exercise>
};

}  // namespace concurrent
