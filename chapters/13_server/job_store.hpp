#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "bridge.hpp"
#include "job_queue.hpp"
#include "job_record.hpp"
#include "job_request.hpp"
#include "journal.hpp"
#include "todo.hpp"
#include "waiting.hpp"

namespace asyncio::jobs {

/// The jobs of a server, under their IDs: those that have not ended, and as many of the others as it is to
/// remember. What was accepted is written to a journal, if there is one. For the loop's thread.
class JobStore {
 public:
  /// @param save writes jobs down; none: they are kept in memory alone
  /// @param most_ended so many jobs are remembered that have ended
  JobStore(JobQueue& queue, const Kinds& kinds, Journal::Save save, std::size_t most_ended)
      : queue_(queue), kinds_(kinds), most_ended_(most_ended) {
    if (save) journal_ = std::make_unique<Journal>(std::move(save));
    queue_.before_end([this](JobPointer job) { return record_end(std::move(job)); });
  }
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  /// Accepts a job that its client will ask for later: it is in the queue when this returns.
  /// @throws QueueFull; JournalError if it could not be written, then it will not run
  Coro<JobPointer> accept(JobRecord record) {
    todo("6.2", "JobStore::accept");
    co_return nullptr;
  }

  /// Puts a job into the queue whose client waits for it: it is not written down.
  /// @throws QueueFull
  JobPointer submit(JobRecord record) {
    JobQueue::Admission place = queue_.admit();
    const JobPointer job = make_job(std::move(record));
    jobs_[job->id] = job;
    queue_.submit(job, std::move(place));
    return job;
  }

  /// Takes up a job of an earlier server. One that has not ended, and is of a kind that this server does not
  /// have, has failed here; the journal keeps it as it is, for a server that has the kind.
  void take_up(JobRecord record) {
    next_id_ = std::max(next_id_, record.id + 1);
    if (!has_ended(record.state)) {
      record.state = JobState::queued;
      record.started_ms.reset();
      record.worker.reset();
      if (!kinds_.contains(record.kind)) {
        record.state = JobState::failed;
        record.outcome = {JobState::failed, "null", "this server has no such kind of job"};
      }
    }
    const auto job = std::make_shared<Job>(std::move(record));
    jobs_[job->id] = job;
    job->recorded = true;
    if (has_ended(job->state)) {
      job->ended.set();
      ended_.push_back(job->id);
    } else {
      queue_.enqueue(job);
    }
  }

  /// Takes note that a job has ended, and forgets the one that ended first, if there are too many.
  void ended(const Job& job) {
    ended_.push_back(job.id);
    while (ended_.size() > most_ended_) {
      jobs_.erase(ended_.front());
      ended_.pop_front();
    }
  }

  /// Returns the job with that ID; null if there is none.
  [[nodiscard]] JobPointer find(std::int64_t id) const {
    const auto found = jobs_.find(id);
    return found == jobs_.end() ? nullptr : found->second;
  }
  /// Describes the newest jobs, the newest first.
  [[nodiscard]] Json newest(std::size_t most = 100) const {
    Json newest = Json::array();
    for (auto at = jobs_.rbegin(); at != jobs_.rend() && newest.size() < most; ++at)
      newest.push_back(Json::parse(brief(*at->second)));
    return newest;
  }

  /// Returns the journal; null if there is none.
  [[nodiscard]] const Journal* journal() const noexcept { return journal_.get(); }
  /// Says why the last thing could not be written; empty once something can.
  [[nodiscard]] const std::string& journal_error() const noexcept { return journal_error_; }

 private:
  JobPointer make_job(JobRecord record) {
    record.id = next_id_++;
    record.submitted_ms = now_ms();
    return std::make_shared<Job>(std::move(record));
  }
  /// Has the journal write down how things stand with a job; journal_error() says whether it could.
  /// @throws JournalError
  Coro<> write(JobRecord record) {
    std::string why;
    try {
      co_await wrap_future(journal_->write(std::move(record)));
      journal_error_.clear();
      co_return;
    } catch (const std::exception& error) {
      why = error.what();
    }
    journal_error_ = why;
    throw JournalError(why);
  }

  /// Called when a job has ended, and nobody knows of it yet: returns when they may.
  Coro<> record_end(JobPointer job) {
    // 6.2, JobStore::record_end: empty until step 6.
    co_return;
  }

  JobQueue& queue_;
  const Kinds& kinds_;
  std::size_t most_ended_;
  std::unique_ptr<Journal> journal_;
  std::string journal_error_;
  std::map<std::int64_t, JobPointer> jobs_;
  std::deque<std::int64_t> ended_;  // those of them that have ended, the oldest first
  std::int64_t next_id_ = 1;
};

}  // namespace asyncio::jobs
