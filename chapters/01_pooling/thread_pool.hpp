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
    // 4.1, ThreadPool::~ThreadPool: empty until step 4.
  }

  /// Queues `job`; a worker runs it, in the order of the posts. Starts a worker if none is idle and there may
  /// be more.
  /// @throws std::invalid_argument if `job` is null
  /// @throws ExecutorShutdown after shutdown()
  /// @throws BrokenThreadPool after an initializer failed
  /// @throws std::system_error if the first thread cannot be started
  void post(Job job) {
    require_job(job, "ThreadPool::post");
    todo("4.1", "ThreadPool::post");
  }

  /// Takes no more jobs. Those queued still run, or are destroyed with `drop_pending`; those running always
  /// finish. It may be called again, for instance to wait after all.
  /// @throws Error if one of the pool's own workers asks to wait: it would wait for itself. Nothing is
  /// changed then.
  void shutdown(PoolShutdown options = {}) {
    if (options.wait && worker_of_ == this) throw Error("a worker cannot wait for its own pool to shut down");
    todo("5.1", "ThreadPool::shutdown");
  }

  /// Sets the function that is called, on the worker's thread, with each exception that escapes from a job.
  /// An empty one stands for the default, which writes a line to stderr.
  void set_exception_handler(ExceptionHandler::Function handler) { on_exception_.set(std::move(handler)); }

  /// Returns how many workers have been started so far.
  [[nodiscard]] std::size_t threads_started() const {
    todo("4.1", "ThreadPool::threads_started");
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
    todo("4.1", "ThreadPool::work");
  }

  /// Breaks the pool, because an initializer threw `error`. Called on the worker on which it did.
  void mark_broken(std::exception_ptr error) {
    on_exception_(std::move(error));
    todo("5.1", "ThreadPool::mark_broken");
  }

  static inline std::atomic<std::size_t> next_pool_ = 0;
  static inline thread_local const ThreadPool* worker_of_ = nullptr;

  std::size_t max_workers_ = 0;
  std::string prefix_;
  const std::function<void()> initializer_;
  ExceptionHandler on_exception_;
  BlockingQueue<Job> jobs_;

  // The rest is yours: the tests see only what is public.
  // For 4.1: members of ThreadPool.
};

}  // namespace concurrent
