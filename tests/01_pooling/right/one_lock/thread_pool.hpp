#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "drop_reason.hpp"
#include "errors.hpp"
#include "exception_handler.hpp"
#include "job.hpp"
#include "thread_name.hpp"
#include "worker_count.hpp"

namespace concurrent {

inline int default_max_workers() { return std::min(32, number_of_cores() + 4); }

struct ThreadPoolOptions {
  std::optional<int> max_workers = std::nullopt;
  std::string thread_name_prefix = {};
  std::function<void()> initializer = {};
};

struct PoolShutdown {
  bool wait = true;
  bool drop_pending = false;
};

/// A pool that does without BlockingQueue: one lock guards its jobs and all that it knows of its workers.
class ThreadPool {
 public:
  explicit ThreadPool(ThreadPoolOptions options = {})
      : options_(std::move(options)),
        max_(static_cast<std::size_t>(
            at_least_1(options_.max_workers, "max_workers").value_or(default_max_workers()))) {
    if (options_.thread_name_prefix.empty())
      options_.thread_name_prefix = "ThreadPool-" + std::to_string(pools_++);
  }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  ~ThreadPool() {
    refuse(false);
    for (std::thread& thread : threads_) thread.join();
  }

  void post(Job job) {
    require_job(job, "ThreadPool::post");
    {
      std::lock_guard lock(mutex_);
      if (broken_) std::rethrow_exception(broken_);
      if (over_) throw ExecutorShutdown();
      if (free_ <= jobs_.size() && threads_.size() < max_) hire();
      jobs_.push_back(std::move(job));
    }
    something_to_do_.notify_one();
  }

  void shutdown(PoolShutdown options = {}) {
    if (options.wait && mine_ == this) throw Error("a worker would wait for itself");
    refuse(options.drop_pending);
    if (!options.wait) return;
    std::unique_lock lock(mutex_);
    nobody_left_.wait(lock, [this] { return at_work_ == 0; });
  }

  void set_exception_handler(ExceptionHandler::Function handler) { report_.set(std::move(handler)); }

  [[nodiscard]] std::size_t threads_started() const {
    std::lock_guard lock(mutex_);
    return threads_.size();
  }

  [[nodiscard]] std::size_t max_workers() const noexcept { return max_; }

 private:
  /// Starts a thread. Call it under the lock.
  void hire() {
    try {
      threads_.emplace_back([this, number = threads_.size()] { live(number); });
      ++at_work_;
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;
    }
  }

  void live(std::size_t number) {
    set_thread_name(options_.thread_name_prefix + "_" + std::to_string(number));
    mine_ = this;
    if (get_ready())
      while (run_one()) {
      }
    std::lock_guard lock(mutex_);
    if (--at_work_ == 0) nobody_left_.notify_all();
  }

  bool get_ready() {
    try {
      if (options_.initializer) options_.initializer();
      return true;
    } catch (...) {
      report_(std::current_exception());
    }
    std::exception_ptr reason;
    {
      std::lock_guard lock(mutex_);
      if (!broken_) broken_ = std::make_exception_ptr(BrokenThreadPool("a worker could not get ready"));
      reason = broken_;
    }
    DropReason why(reason);
    refuse(true);
    return false;
  }

  /// Waits for a job and runs it. @returns false if there will be none
  bool run_one() {
    Job job;
    {
      std::unique_lock lock(mutex_);
      ++free_;
      something_to_do_.wait(lock, [this] { return over_ || !jobs_.empty(); });
      --free_;
      if (jobs_.empty()) return false;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    try {
      job();
    } catch (...) {
      report_(std::current_exception());
    }
    return true;
  }

  /// Takes no more jobs. Those that are dropped are destroyed when the lock has been given back.
  void refuse(bool drop) {
    std::deque<Job> dropped;
    {
      std::lock_guard lock(mutex_);
      over_ = true;
      if (drop) dropped.swap(jobs_);
    }
    something_to_do_.notify_all();
  }

  static inline std::atomic<int> pools_ = 0;
  static inline thread_local const ThreadPool* mine_ = nullptr;

  ThreadPoolOptions options_;
  const std::size_t max_;
  ExceptionHandler report_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable something_to_do_, nobody_left_;
  std::deque<Job> jobs_;
  std::size_t free_ = 0;     // workers that wait for a job
  std::size_t at_work_ = 0;  // workers that have not ended
  bool over_ = false;
  std::exception_ptr broken_;
  std::vector<std::thread> threads_;
};

}  // namespace concurrent
