#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "future.hpp"
#include "job_record.hpp"
#include "promise.hpp"
#include "todo.hpp"

namespace asyncio::jobs {

/// Writes jobs down on a thread of its own, so that nobody else waits for a disk. Whatever has come while the
/// disk was busy is written at once, as one transaction. Any thread may call its members.
class Journal {
 public:
  /// Writes jobs, all or none: JobTable::save(), or what a test has in its place.
  using Save = std::function<void(std::span<const JobRecord>)>;

  explicit Journal(Save save) : save_(std::move(save)), thread_([this] { work(); }) {}
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  /// Writes what was handed over, and ends.
  ~Journal() {
    close();
    thread_.join();
  }

  /// Hands over how things stand with a job. It does not wait.
  /// @returns a future that is done once this is on disk; if it could not be written, it has the error
  /// @throws std::bad_alloc, then nothing was handed over
  concurrent::Future<void> write(JobRecord job) {
    // <exercise 6.1 Journal::write>
    concurrent::Promise<void> written;
    concurrent::Future<void> future = written.future();
    {
      std::lock_guard lock(mutex_);
      promises_.push_back(std::move(written));
      try {
        jobs_.push_back(std::move(job));
      } catch (...) {
        promises_.pop_back();
        throw;
      }
    }
    has_work_.notify_one();
    return future;
    // </exercise>
  }

  /// Counts the transactions that were written, the jobs in them, and the transactions that were not.
  [[nodiscard]] std::size_t commits() const noexcept { return commits_; }
  [[nodiscard]] std::size_t entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t failures() const noexcept { return failures_; }

 private:
  /// Called once, by the destructor: nothing more will be handed over.
  void close() {
    // <exercise 6.1 quiet Journal::close>
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    has_work_.notify_one();
    // </exercise>
  }

  /// The work of the thread, which ends with it.
  void work() {
    // <exercise 6.1 quiet Journal::work>
    while (true) {
      std::unique_lock lock(mutex_);
      has_work_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const std::vector<JobRecord> jobs = std::exchange(jobs_, {});
      std::vector<concurrent::Promise<void>> promises = std::exchange(promises_, {});
      lock.unlock();
      std::exception_ptr error;
      try {
        save_(jobs);
        ++commits_;
        entries_ += jobs.size();
      } catch (...) {
        error = std::current_exception();
        ++failures_;
      }
      for (concurrent::Promise<void>& promise : promises) {
        // Whoever waited for it may have gone.
        if (!promise.set_running_or_notify_cancel()) continue;
        if (error)
          promise.set_exception(error);
        else
          promise.set_result();
      }
    }
    // </exercise>
  }

  const Save save_;
  // <exercise 6.1 members Journal>
  std::mutex mutex_;  // guards all down to closed_
  std::condition_variable has_work_;
  std::vector<JobRecord> jobs_;
  std::vector<concurrent::Promise<void>> promises_;  // of each of them
  bool closed_ = false;
  // </exercise>
  std::atomic<std::size_t> commits_ = 0;
  std::atomic<std::size_t> entries_ = 0;
  std::atomic<std::size_t> failures_ = 0;
  std::thread thread_;  // the last, for it uses all of them
};

}  // namespace asyncio::jobs
