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
    todo("6.1", "Journal::write");
  }

  /// Counts the transactions that were written, the jobs in them, and the transactions that were not.
  [[nodiscard]] std::size_t commits() const noexcept { return commits_; }
  [[nodiscard]] std::size_t entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t failures() const noexcept { return failures_; }

 private:
  /// Called once, by the destructor: nothing more will be handed over.
  void close() {
    // 6.1, Journal::close: empty until step 6.
  }

  /// The work of the thread, which ends with it.
  void work() {
    // 6.1, Journal::work: empty until step 6.
  }

  const Save save_;
  // For 6.1: members of Journal.
  std::atomic<std::size_t> commits_ = 0;
  std::atomic<std::size_t> entries_ = 0;
  std::atomic<std::size_t> failures_ = 0;
  std::thread thread_;  // the last, for it uses all of them
};

}  // namespace asyncio::jobs
