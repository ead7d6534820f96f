#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "errors.hpp"
#include "exception_handler.hpp"
#include "executor_base.hpp"
#include "job.hpp"
#include "ring.hpp"

namespace concurrent {

/// Runs jobs one at a time, in the order of the posts, on any executor: what they share needs no lock. Also
/// known as a strand. A job may post to its own strand; the new job runs after it, never inside it. The
/// executor must outlive the last job. If it destroys work unrun, the jobs queued here are destroyed too.
/// Python has no counterpart in `concurrent.futures`; an event loop gives the same promise.
class SerialExecutor : public Executor {
 public:
  explicit SerialExecutor(Executor& executor) : lane_(std::make_shared<Lane>(executor, on_exception_)) {}
  explicit SerialExecutor(SerialExecutor& executor) : SerialExecutor(static_cast<Executor&>(executor)) {}

  /// Does not wait: what is queued still runs on the executor underneath.
  ~SerialExecutor() override { SerialExecutor::shutdown({.wait = false}); }

  /// @throws what the executor underneath throws if it refuses work; all jobs queued here are destroyed then
  void post(Job job) override {
    require_job(job, "SerialExecutor::post");
    if (lane_->enqueue(std::move(job))) Permit::issue(lane_);
  }

  /// With `wait`, returns when no job is queued or runs, so another thread must be there to run them. If a
  /// ManualExecutor is underneath, another thread must run it; if a pool is, its last free worker must not
  /// wait.
  /// @throws Error if a job of this executor asks to wait: it would wait for itself. Nothing is changed then.
  void shutdown(ShutdownOptions options = {}) override {
    Ring<Job> cancelled = lane_->close(options);
    cancelled = {};  // destroyed here, under no lock
    if (options.wait) lane_->wait_until_idle();
  }

 private:
  /// How many jobs a strand runs before it goes to the back of the executor's queue.
  static constexpr int turn = 256;

  /// Stands on the stack of a thread that hands its permit on, for as long as that takes.
  struct Offer {
    const std::thread::id from = std::this_thread::get_id();
    bool came_back = false;
  };

  /// The queue and its state. It knows nothing of permits, and calls nobody while it holds its lock.
  class Lane {
   public:
    Lane(Executor& executor, std::shared_ptr<ExceptionHandler> on_exception)
        : executor(executor), on_exception(std::move(on_exception)) {}

    /// Queues the job. @returns whether the lane was idle: then it counts as active from now on, and the
    /// caller must issue a permit for it
    [[nodiscard]] bool enqueue(Job&& job) {
      std::lock_guard lock(mutex_);
      if (closed_) throw ExecutorShutdown();
      jobs_.push_back(std::move(job));
      return !std::exchange(active_, true);
    }

    /// Returns the next job for the holder of the permit, who works on this thread. A null job means that
    /// there is none, and that the permit is used up: the lane is idle.
    [[nodiscard]] Job next() noexcept {
      std::lock_guard lock(mutex_);
      if (!jobs_.empty()) {
        runner_ = std::this_thread::get_id();
        return jobs_.take_front();
      }
      runner_ = {};
      active_ = false;
      idle_.notify_all();
      return nullptr;
    }

    /// Begins to hand the permit on. @returns false if there is nothing left to do, so that the lane is idle
    [[nodiscard]] bool begin(Offer& offer) {
      std::lock_guard lock(mutex_);
      runner_ = {};
      if (jobs_.empty()) {
        active_ = false;
        idle_.notify_all();
        return false;
      }
      offer_ = &offer;
      return true;
    }

    /// Called when a permit is used or destroyed. @returns false if that happens inside the very call that
    /// hands it on: who makes that call keeps the permit
    [[nodiscard]] bool accept() {
      std::lock_guard lock(mutex_);
      Offer* const offer = std::exchange(offer_, nullptr);
      if (!offer || offer->from != std::this_thread::get_id()) return true;
      offer->came_back = true;
      return false;
    }

    void end(const Offer& offer) {
      std::lock_guard lock(mutex_);
      if (offer_ == &offer) offer_ = nullptr;  // it is still on its way
    }

    /// Refuses jobs from now on. @returns those that are to be cancelled
    [[nodiscard]] Ring<Job> close(ShutdownOptions options) {
      Ring<Job> cancelled;
      std::lock_guard lock(mutex_);
      if (options.wait && runner_ == std::this_thread::get_id())
        throw Error("SerialExecutor::shutdown: a job must not wait for its own strand");
      closed_ = true;
      if (options.cancel_futures) cancelled.swap(jobs_);
      return cancelled;
    }

    void wait_until_idle() {
      std::unique_lock lock(mutex_);
      idle_.wait(lock, [this] { return !active_; });
    }

    Executor& executor;
    const std::shared_ptr<ExceptionHandler> on_exception;

   private:
    std::mutex mutex_;  // guards all below
    std::condition_variable idle_;
    Ring<Job> jobs_;
    std::thread::id runner_;  // where the holder of the permit works at the moment
    Offer* offer_ = nullptr;  // the permit has been handed on, and has not arrived
    bool active_ = false;     // the permit is out
    bool closed_ = false;
  };

  /// The right to take jobs from a lane; there is at most one. It is the drain job of the executor
  /// underneath. If nobody uses it, its destructor takes the jobs all the same, and destroys them.
  class Permit {
   public:
    static void issue(std::shared_ptr<Lane> lane) {
      Executor& executor = lane->executor;
      executor.post(Permit(std::move(lane)));
    }

    Permit(Permit&&) noexcept = default;
    ~Permit() {
      if (!lane_ || !lane_->accept()) return;
      while (Job job = lane_->next()) job = nullptr;
    }

    void operator()() {
      const auto lane = std::exchange(lane_, nullptr);
      if (!lane->accept()) return;
      do {
        for (int ran = 0; ran < turn; ++ran) {
          Job job = lane->next();
          if (!job) return;
          run(std::move(job), *lane->on_exception);
        }
      } while (!hand_on(lane));
    }

   private:
    explicit Permit(std::shared_ptr<Lane> lane) noexcept : lane_(std::move(lane)) {}

    /// @returns false if the permit has come straight back
    static bool hand_on(const std::shared_ptr<Lane>& lane) {
      Offer offer;
      if (!lane->begin(offer)) return true;
      try {
        issue(lane);
      } catch (...) {  // then the permit has come back, unless the executor has kept it
      }
      lane->end(offer);
      return !offer.came_back;
    }

    std::shared_ptr<Lane> lane_;
  };

  const std::shared_ptr<Lane> lane_;
};

}  // namespace concurrent
