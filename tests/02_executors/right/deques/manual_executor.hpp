// Fails: Step7_*

#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "errors.hpp"
#include "executor_base.hpp"
#include "job.hpp"

namespace concurrent {

/// Queues jobs in a deque, and takes each out with one function.
class ManualExecutor : public Executor {
 public:
  ~ManualExecutor() override { refuse(true); }

  void post(Job job) override {
    require_job(job, "ManualExecutor::post");
    std::lock_guard lock(mutex_);
    if (refuses_) throw ExecutorShutdown();
    queue_.push_back(std::move(job));
  }

  bool run_one() {
    std::optional<Job> job = take();
    if (job) run(*std::move(job));
    return job.has_value();
  }

  std::size_t run_all() {
    std::size_t ran = 0;
    for (; std::optional<Job> job = take(); ++ran) run(*std::move(job));
    return ran;
  }

  [[nodiscard]] std::size_t pending() const {
    std::lock_guard lock(mutex_);
    return queue_.size();
  }

  void shutdown(ShutdownOptions options = {}) override {
    refuse(options.cancel_futures);
    if (options.wait) run_all();
  }

 private:
  std::optional<Job> take() {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    std::optional<Job> job = std::move(queue_.front());
    queue_.pop_front();
    return job;
  }

  void refuse(bool drop) {
    {
      std::lock_guard lock(mutex_);
      refuses_ = true;
    }
    while (drop && take()) {
    }
  }

  mutable std::mutex mutex_;
  bool refuses_ = false;
  std::deque<Job> queue_;
};

}  // namespace concurrent
