#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "cancelled_error.hpp"
#include "job_record.hpp"
#include "remote_call.hpp"
#include "task.hpp"
#include "todo.hpp"
#include "worker_pool.hpp"

namespace asyncio::jobs {

/// As many jobs wait as may. Python: `asyncio.QueueFull`.
class QueueFull : public std::runtime_error {
 public:
  QueueFull() : std::runtime_error("the queue is full") {}
};

/// Where jobs wait until a worker of their place is free: a bounded queue, first come, first served at each
/// place. For the loop's thread.
class JobQueue {
 public:
  /// A place in the queue, for a job that is not there yet. It is given back when this goes.
  class Admission {
   public:
    explicit Admission(std::size_t& count) noexcept : count_(&count) { ++*count_; }
    Admission(Admission&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    Admission& operator=(Admission&&) = delete;
    ~Admission() {
      if (count_) --*count_;
    }

   private:
    std::size_t* count_;
  };

  /// @param capacity so many jobs may wait for a worker
  JobQueue(WorkerPool& workers, const Kinds& kinds, std::size_t capacity)
      : workers_(workers), kinds_(kinds), capacity_(capacity) {}
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  /// Has `told` called whenever the state of a job has changed.
  void on_change(std::function<void(const Job&)> told) { told_ = std::move(told); }
  /// Has `record` awaited before anybody gets to know how a job has ended.
  void before_end(std::function<Coro<>(JobPointer)> record) { record_ = std::move(record); }

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t waiting() const noexcept {
    std::size_t count = 0;
    for (const auto& [place, jobs] : waiting_) count += jobs.size();
    return count;
  }
  [[nodiscard]] std::size_t running() const noexcept { return running_; }
  /// Counts the places that are kept for jobs that are not there yet.
  [[nodiscard]] std::size_t admitted() const noexcept { return admitted_; }
  /// Returns the job that runs on a worker; nothing if none does.
  [[nodiscard]] std::optional<std::int64_t> job_of(std::size_t worker) const {
    const auto found = at_work_.find(worker);
    return found == at_work_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Counts the jobs that were submitted, and have not ended.
  [[nodiscard]] std::size_t unfinished() const noexcept { return unfinished_; }

  /// Keeps a place for a job that will be submitted. @throws QueueFull if there is none
  [[nodiscard]] Admission admit() {
    if (waiting() + admitted_ >= capacity_) throw QueueFull();
    return Admission(admitted_);
  }

  /// Puts a job into the queue, and starts it, as soon as a worker of its place is free and all that have
  /// come before it for that place have started.
  void submit(JobPointer job, [[maybe_unused]] Admission place) { enqueue(std::move(job)); }
  /// Puts a job into the queue that has been accepted before the server was started, whether it is full or
  /// not.
  void enqueue(JobPointer job) {
    // <exercise 4.1 JobQueue::enqueue>
    ++unfinished_;
    start_deadline(job);
    const Place place = kinds_.find(job->kind)->second.place;
    waiting_[place].push_back(job);
    changed(*job);
    dispatch(place);
    // </exercise>
  }

  /// Ends a job that has not ended. It does not wait: the job has ended when its event `ended` is set.
  /// @param state how it is to end: cancelled or expired
  /// @returns false if how it ends is decided already
  bool stop(const JobPointer& job, JobState state) {
    // <exercise 5.1 JobQueue::stop>
    if (job->ending || job->stop_as || has_ended(job->state)) return false;
    job->stop_as = state;
    if (job->state == JobState::running) {
      if (job->worker) workers_.stop(*job->worker);
    } else {
      std::erase(waiting_[kinds_.find(job->kind)->second.place], job);
      get_running_loop().create_task(finish(job, stopped_as(state)));
    }
    return true;
    // </exercise>
  }

 private:
  // <exercise 4.1 members JobQueue>
  /// Starts what can be started of the jobs for that place: their states are `running` when it returns, and
  /// each has a worker of its own, but on the loop, where there is no need of one.
  void dispatch(Place place) {
    std::deque<JobPointer>& queue = waiting_[place];
    while (!queue.empty()) {
      std::optional<std::size_t> slot;
      if (place != Place::loop && !(slot = workers_.take(place))) return;
      const JobPointer job = queue.front();
      queue.pop_front();
      begin(*job, slot);
      get_running_loop().create_task(run(job));
    }
  }

  /// Runs a job that has been started, to its end.
  Coro<> run(JobPointer job) {
    const Kind& kind = kinds_.find(job->kind)->second;
    Outcome outcome;
    try {
      outcome.result = co_await workers_.run(job->worker.value_or(0), kind, job->args);
    } catch (const std::exception& error) {
      outcome = {JobState::failed, "null", error.what()};
    } catch (const CancelledError&) {
      throw;
    } catch (...) {
      outcome = {JobState::failed, "null", "it threw what is no std::exception"};
    }
    // Whoever asked it to stop was told that it will.
    if (job->stop_as) outcome = stopped_as(*job->stop_as);
    leave_worker(*job);
    job->ending = true;
    dispatch(kind.place);  // its worker is free, while its end is written down
    co_await finish(job, std::move(outcome));
  }

  /// Ends a job, once that is on disk, and lets everybody know.
  Coro<> finish(JobPointer job, Outcome outcome) {
    job->ending = true;
    job->deadline.cancel();
    job->outcome = std::move(outcome);
    job->finished_ms = now_ms();
    if (record_) co_await record_(job);
    show_end(*job);
  }
  // </exercise>

  // ---- Given

  /// A job begins: its record and the counts say so, and whoever wants to know is told.
  /// @param worker taken for this job; none on the loop
  void begin(Job& job, std::optional<std::size_t> worker) {
    job.state = JobState::running;
    job.started_ms = now_ms();
    job.worker = worker;
    if (worker) at_work_[*worker] = job.id;
    ++running_;
    changed(job);
  }

  /// A job that has begun is not counted among those that run any more, nor is it its worker's.
  void leave_worker(const Job& job) {
    --running_;
    if (job.worker) at_work_.erase(*job.worker);
  }

  /// Everybody may know how a job has ended: its `outcome` says how.
  void show_end(Job& job) {
    job.state = job.outcome.state;
    --unfinished_;
    job.ended.set();
    changed(job);
  }

  /// Returns how a job ends that was stopped.
  static Outcome stopped_as(JobState state) {
    return {state, "null", state == JobState::expired ? "its deadline is over" : "it was cancelled"};
  }

  /// Has the job stopped when its time is over, which counts from when it was submitted.
  void start_deadline(const JobPointer& job) {
    if (!job->deadline_ms) return;
    const std::int64_t left = job->submitted_ms + *job->deadline_ms - now_ms();
    job->deadline = get_running_loop().call_later(std::chrono::milliseconds(std::max<std::int64_t>(left, 0)),
                                                  [this, job] { stop(job, JobState::expired); });
  }

  /// Tells who wants to know that the job's state has changed.
  void changed(const Job& job) const {
    if (told_) told_(job);
  }

  WorkerPool& workers_;
  const Kinds& kinds_;
  const std::size_t capacity_;
  std::map<Place, std::deque<JobPointer>> waiting_;  // for a worker
  std::map<std::size_t, std::int64_t> at_work_;      // the ID of the job that runs on a worker
  std::size_t admitted_ = 0;
  std::size_t running_ = 0;
  std::size_t unfinished_ = 0;
  std::function<void(const Job&)> told_;
  std::function<Coro<>(JobPointer)> record_;
};

}  // namespace asyncio::jobs
