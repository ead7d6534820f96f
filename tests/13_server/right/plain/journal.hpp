#pragma once

// A right solution: each record lies beside its promise.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
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
    Entry entry{std::move(job), {}};
    auto future = entry.written.future();
    const std::lock_guard lock(mutex_);
    entries_to_come_.push_back(std::move(entry));
    changed_.notify_all();
    return future;
  }

  /// Counts the transactions that were written, the jobs in them, and the transactions that were not.
  [[nodiscard]] std::size_t commits() const noexcept { return commits_; }
  [[nodiscard]] std::size_t entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t failures() const noexcept { return failures_; }

 private:
  /// Called once, by the destructor: nothing more will be handed over.
  void close() {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    changed_.notify_all();
  }

  /// The work of the thread, which ends with it.
  void work() {
    for (std::unique_lock lock(mutex_);; lock.lock()) {
      while (entries_to_come_.empty() && !ends_) changed_.wait(lock);
      if (entries_to_come_.empty()) return;
      std::deque<Entry> group;
      group.swap(entries_to_come_);
      lock.unlock();
      save(group);
    }
  }

  const Save save_;
  struct Entry {
    JobRecord job;
    concurrent::Promise<void> written;
  };

  void save(std::deque<Entry>& group) {
    std::exception_ptr error;
    try {
      std::vector<JobRecord> jobs;
      for (Entry& entry : group) jobs.push_back(std::move(entry.job));
      save_(jobs);
      ++commits_;
      entries_ += jobs.size();
    } catch (...) {
      error = std::current_exception();
      ++failures_;
    }
    for (Entry& entry : group) {
      if (!entry.written.set_running_or_notify_cancel()) continue;
      error ? entry.written.set_exception(error) : entry.written.set_result();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> entries_to_come_;
  bool ends_ = false;
  std::atomic<std::size_t> commits_ = 0;
  std::atomic<std::size_t> entries_ = 0;
  std::atomic<std::size_t> failures_ = 0;
  std::thread thread_;  // the last, for it uses all of them
};

}  // namespace asyncio::jobs
