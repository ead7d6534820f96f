#pragma once

// What the tests of chapter 13 that have a queue share.

#include "job_queue.hpp"

#include "support.hpp"

using asyncio::jobs::JobPointer;
using asyncio::jobs::JobQueue;
using asyncio::jobs::JobRecord;
using asyncio::jobs::JobState;
using asyncio::jobs::QueueFull;

/// A queue, its workers, and a loop.
struct Queued {
  Kinds kinds = test_kinds();
  asyncio::jobs::WorkerPool pool;
  JobQueue queue;
  Log changes;
  std::vector<JobPointer> all;
  EpollLoop e;

  explicit Queued(asyncio::jobs::WorkerOptions workers = {}, std::size_t capacity = 1000)
      : pool(workers), queue(pool, kinds, capacity) {
    queue.on_change([this](const asyncio::jobs::Job& job) { changes.push_back(to_string(job.state)); });
    e.stands = [this] { return stands(); };
  }

  void run(const std::function<Coro<>()>& main) {
    e.run(main);
    EXPECT_EQ(e.told, Log{});
  }

  /// Makes a job, and puts it into the queue.
  JobPointer submit(std::string kind, std::string args = "{}",
                    std::optional<std::int64_t> deadline_ms = std::nullopt) {
    JobQueue::Admission place = queue.admit();
    const auto job = std::make_shared<asyncio::jobs::Job>(
        JobRecord{.kind = std::move(kind), .args = std::move(args), .deadline_ms = deadline_ms});
    job->submitted_ms = asyncio::jobs::now_ms();
    all.push_back(job);
    queue.submit(job, std::move(place));
    return job;
  }

  /// Says what has become of the jobs: "spin is running, square is queued, worker 0 is busy".
  std::string stands() const {
    std::string text;
    for (const JobPointer& job : all)
      text += job->kind + " is " + (job->ending ? "ending, " : to_string(job->state) + std::string(", "));
    for (std::size_t i = 0; i < pool.slots().size(); ++i)
      text += "worker " + std::to_string(i) + (pool.slots()[i].busy ? " is busy, " : " is free, ");
    return text.substr(0, text.size() - 2);
  }

  /// Describes how a job is: "done 25", "failed it fails", "queued".
  static std::string state(const JobPointer& job) {
    std::string text = to_string(job->state);
    if (job->state == JobState::done) text += " " + job->outcome.result;
    if (has_ended(job->state) && job->state != JobState::done) text += " " + job->outcome.error;
    return text;
  }
};
