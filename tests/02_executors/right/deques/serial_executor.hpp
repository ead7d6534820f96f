#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "errors.hpp"
#include "exception_handler.hpp"
#include "executor_base.hpp"
#include "job.hpp"

namespace concurrent {

/// A strand whose turns carry the note of who has handed them on.
class SerialExecutor : public Executor {
 public:
  explicit SerialExecutor(Executor& below) : state_(std::make_shared<State>(below, on_exception_)) {}
  explicit SerialExecutor(SerialExecutor& below) : SerialExecutor(static_cast<Executor&>(below)) {}
  ~SerialExecutor() override {
    std::lock_guard lock(state_->mutex);
    state_->refuses = true;
  }

  void post(Job job) override {
    require_job(job, "SerialExecutor::post");
    {
      std::lock_guard lock(state_->mutex);
      if (state_->refuses) throw ExecutorShutdown();
      state_->queue.push_back(std::move(job));
      if (state_->busy) return;
      state_->busy = true;
    }
    state_->below.post(Turn(state_, nullptr));
  }

  void shutdown(ShutdownOptions options = {}) override {
    std::deque<Job> dropped;
    std::unique_lock lock(state_->mutex);
    if (options.wait && state_->runner == std::this_thread::get_id())
      throw Error("a job of a strand waits for the strand");
    state_->refuses = true;
    if (options.cancel_futures) dropped.swap(state_->queue);
    lock.unlock();
    dropped.clear();
    lock.lock();
    if (options.wait) state_->idle.wait(lock, [&] { return !state_->busy; });
  }

 private:
  /// Made by a thread that hands its turn on; that thread alone reads and writes what may change.
  struct HandOver {
    const std::thread::id from = std::this_thread::get_id();
    bool under_way = true;
    bool came_back = false;

    /// True if the new turn is about to run, or to be destroyed, inside the post() that handed it on.
    bool comes_back() { return from == std::this_thread::get_id() && under_way && (came_back = true); }
  };

  struct State {
    State(Executor& below, std::shared_ptr<ExceptionHandler> handler)
        : below(below), handler(std::move(handler)) {}

    Executor& below;
    const std::shared_ptr<ExceptionHandler> handler;
    std::mutex mutex;
    std::condition_variable idle;
    std::deque<Job> queue;
    bool busy = false, refuses = false;
    std::thread::id runner;  // of the job that runs
  };

  class Turn {
   public:
    Turn(std::shared_ptr<State> state, std::shared_ptr<HandOver> hand_over)
        : state_(std::move(state)), hand_over_(std::move(hand_over)) {}
    Turn(Turn&&) noexcept = default;
    ~Turn() {
      if (state_ && !comes_back()) work(state_, false);
    }
    void operator()() {
      const std::shared_ptr<State> state = std::move(state_);
      if (!comes_back()) work(state, true);
    }

   private:
    bool comes_back() { return hand_over_ && hand_over_->comes_back(); }

    static void work(const std::shared_ptr<State>& state, bool run_them) {
      std::unique_lock lock(state->mutex);
      for (int done = 0; !state->queue.empty();) {
        Job job = std::move(state->queue.front());
        state->queue.pop_front();
        if (run_them) state->runner = std::this_thread::get_id();
        lock.unlock();
        if (run_them) SerialExecutor::run(std::move(job), *state->handler);
        job = nullptr;
        lock.lock();
        state->runner = {};
        if (!run_them || ++done % 150 != 0 || state->queue.empty()) continue;
        lock.unlock();
        if (hand_on(state)) return;
        lock.lock();
      }
      state->busy = false;
      state->idle.notify_all();
    }

    static bool hand_on(const std::shared_ptr<State>& state) {
      std::shared_ptr<HandOver> hand_over;
      try {
        hand_over = std::make_shared<HandOver>();
        state->below.post(Turn(state, hand_over));
      } catch (...) {
        return false;
      }
      hand_over->under_way = false;
      return !hand_over->came_back;
    }

    std::shared_ptr<State> state_;
    std::shared_ptr<HandOver> hand_over_;
  };

  const std::shared_ptr<State> state_;
};

}  // namespace concurrent
