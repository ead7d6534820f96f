#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>

#include "executor_base.hpp"
#include "job.hpp"
#include "thread_pool.hpp"
#include "todo.hpp"

namespace concurrent {

/// Runs jobs on the threads of a pool. Python: `concurrent.futures.ThreadPoolExecutor`.
class ThreadPoolExecutor : public Executor {
 public:
  /// Makes a pool of threads. An exception from a job or an initializer goes to this executor's exception
  /// handler, which may be set at any time.
  /// @param options as for ThreadPool; the default prefix of the workers' names is `ThreadPoolExecutor-<k>`
  /// @throws std::invalid_argument if `max_workers` is below 1
  explicit ThreadPoolExecutor(ThreadPoolOptions options = {}) : pool_(named(std::move(options))) {
    // <exercise 3.1 ThreadPoolExecutor::ThreadPoolExecutor>
    // The pool gets no handler but a way to ours: what is set later counts for the next exception.
    pool_.set_exception_handler(
        [handler = on_exception_](std::exception_ptr error) { (*handler)(std::move(error)); });
    // </exercise>
  }

  /// Waits until all queued work is done, as at the end of Python's `with` block.
  ~ThreadPoolExecutor() override { pool_.shutdown(); }

  /// @throws BrokenThreadPool after an initializer failed
  void post(Job job) override { pool_.post(std::move(job)); }

  /// @throws Error if one of the pool's own workers asks to wait
  void shutdown(ShutdownOptions options = {}) override {
    pool_.shutdown({.wait = options.wait, .drop_pending = options.cancel_futures});
  }

  /// Returns how many threads have been started so far: none before the first job, and at most `max_workers`.
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

}  // namespace concurrent
