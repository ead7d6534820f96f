#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bridge.hpp"
#include "cancelled_error.hpp"
#include "errors.hpp"
#include "job_kinds.hpp"
#include "process_pool.hpp"
#include "sleep.hpp"
#include "task.hpp"
#include "todo.hpp"
#include "waiting.hpp"
#include "work_stealing_executor.hpp"

namespace asyncio::jobs {

/// The worker of a job has died, or was stopped.
class WorkerDied : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Options of a WorkerPool.
struct WorkerOptions {
  int processes = 1;
  int threads = 1;
};

/// The workers of a server, each in a slot of its own: first the processes, then the threads. Each process is
/// a pool of one, so that to lose it costs its own job and no other. Make it before other threads, and before
/// the loop has anything to do. For the loop's thread.
class WorkerPool {
 public:
  /// A process that works.
  struct Process {
    std::unique_ptr<concurrent::ProcessPoolExecutor> pool = {};
    int pid = 0;

    void reset() { pool.reset(); }
  };

  /// A slot, as others see it.
  struct Slot {
    Place place = Place::process;
    bool busy = false;
    std::size_t restarts = 0;  ///< so many workers were lost here
    Process process = {};
    std::stop_source stop = {};
  };

  explicit WorkerPool(const WorkerOptions& options) {
    for (int i = 0; i < options.processes; ++i) slots_.emplace_back().process = new_process();
    for (int i = 0; i < options.threads; ++i) slots_.emplace_back().place = Place::thread;
    threads_ = std::make_unique<concurrent::WorkStealingExecutor>(
        concurrent::WorkStealingOptions{.max_workers = std::max(options.threads, 1)});
  }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      slots_[i].stop.request_stop();
      if (slots_[i].process.pool) slots_[i].process.pool->kill_workers();
    }
  }

  [[nodiscard]] const std::vector<Slot>& slots() const noexcept { return slots_; }

  /// Takes a slot of that place that has nothing to do; it is busy until its next run() is over.
  /// @returns nothing if all are busy
  std::optional<std::size_t> take(Place place) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].place != place || slots_[i].busy) continue;
      slots_[i].busy = true;
      slots_[i].stop = std::stop_source();
      return i;
    }
    return std::nullopt;
  }

  /// Has `told(index)` called whenever a worker was replaced.
  void on_replaced(std::function<void(std::size_t)> told) { told_ = std::move(told); }

  /// Runs a job in a slot that was taken; meanwhile, the loop does other things.
  /// @param slot one of the kind's place; of no matter to a kind that runs on the loop
  /// @returns the job's result, as JSON
  /// @throws what the job throws: concurrent::RemoteError if that was in a process; WorkerDied if its worker
  /// has died, or was killed, and has a successor by now; CancelledError, then the job was stopped, and has
  /// ended, and the slot has a worker
  Coro<std::string> run(std::size_t slot, const Kind& kind, std::string args) {
    // <exercise 3.1 WorkerPool::run>
    if (kind.place == Place::loop) co_return kind.compute(std::move(args));
    Slot& here = slots_[slot];
    struct Free {
      Slot& slot;
      ~Free() { slot.busy = false; }
    };
    const Free at_the_end{here};
    const std::size_t restarts = here.restarts;
    // A task of its own: it comes to its end whatever becomes of the one that awaits this.
    Task<std::string> job =
        create_task(kind.place == Place::thread ? run_on_thread(slot, kind, std::move(args))
                                                : run_in_process(slot, kind, std::move(args)));
    bool cancelled = co_await wait_out(slot, job);
    // It was stopped too late to fail, and its worker is dead all the same.
    if (kind.place == Place::process && here.stop.stop_requested() && here.restarts == restarts) {
      Task<> renewing = create_task(replace(slot));
      cancelled |= co_await wait_out(slot, renewing);
    }
    if (cancelled) {
      if (!job.cancelled()) std::ignore = job.exception();  // nobody wants to know
      throw CancelledError();
    }
    co_return job.result();
    // </exercise>
    co_return std::string();
  }

  /// Stops what runs in a slot: a process is killed, a thread is asked. run() ends then, with WorkerDied or
  /// as the thread ends. In a slot that has nothing to do nothing happens. It does not wait.
  void stop(std::size_t slot) {
    Slot& here = slots_[slot];
    if (!here.busy) return;
    here.stop.request_stop();
    // There is none while the one that died is being replaced.
    if (here.process.pool) here.process.pool->kill_workers();
  }

 private:
  /// Starts a process, and waits for some milliseconds until it works. It gives way to the loop: where all
  /// processors compute, a request is answered first.
  static Process new_process() {
    Process process;
    process.pool = std::make_unique<concurrent::ProcessPoolExecutor>(
        concurrent::ProcessPoolOptions{.max_workers = 1, .initializer = [] { std::ignore = ::nice(10); }});
    process.pid = process.pool->submit(+[] { return static_cast<int>(::getpid()); }).result();
    return process;
  }

  /// Puts the process that replaces a lost one into a slot, counts that, and tells.
  void put_in(std::size_t slot, Process process) {
    slots_[slot].process = std::move(process);
    ++slots_[slot].restarts;
    if (told_) told_(slot);
  }

  // <exercise 3.1 members your choice, if you want any>
  /// Runs a job on a thread.
  Coro<std::string> run_on_thread(std::size_t slot, const Kind& kind, std::string args) {
    auto call = [wait = kind.wait, args = std::move(args), stop = slots_[slot].stop.get_token()] {
      return wait(args, stop);
    };
    co_return co_await wrap_future(threads_->submit(std::move(call)));
  }

  /// Runs a job in the process of a slot, and replaces that if it is dead.
  Coro<std::string> run_in_process(std::size_t slot, const Kind& kind, std::string args) {
    Slot& here = slots_[slot];
    bool begun = false;
    std::string why = "it was killed";
    while (true) {
      try {
        concurrent::Future<std::string> answer = here.process.pool->submit(kind.compute, args);
        begun = true;
        co_return co_await wrap_future(std::move(answer));
      } catch (const concurrent::BrokenProcessPool& error) {
        why = error.what();
      } catch (const concurrent::ExecutorShutdown&) {  // it was stopped before the job got there
      }
      co_await replace(slot);
      // The job of a worker that had died before has lost nothing but a little time.
      if (begun || here.stop.stop_requested()) throw WorkerDied("its worker died: " + why);
    }
  }

  /// Waits for the end of what runs in a slot, even if this is cancelled: it is stopped then, or the next job
  /// of this slot waits for it. @returns true if this was cancelled
  template <class T>
  Coro<bool> wait_out(std::size_t slot, Task<T> running) {
    bool cancelled = false;
    while (!running.done()) {
      try {
        co_await wait(running);
      } catch (const CancelledError&) {
        cancelled = true;
        stop(slot);
      }
    }
    co_return cancelled;
  }

  /// Puts a new process into a slot. The end of the old one is waited for on a thread, and so is the
  /// beginning of the new one.
  Coro<> replace(std::size_t slot) {
    const auto old = std::make_shared<Process>(std::move(slots_[slot].process));
    const auto renew = [old] {
      old->reset();
      return std::make_shared<Process>(new_process());
    };
    std::shared_ptr<Process> renewed;
    while (!renewed) {
      try {
        renewed = co_await to_thread(renew);
      } catch (const std::exception&) {
        // No process or descriptor is to be had, or it has been killed already.
      }
      if (!renewed) co_await sleep(std::chrono::milliseconds(100));
    }
    put_in(slot, std::move(*renewed));
  }
  // </exercise>

  std::vector<Slot> slots_;  // never grows once it is made
  std::unique_ptr<concurrent::WorkStealingExecutor> threads_;
  std::function<void(std::size_t)> told_;
};

}  // namespace asyncio::jobs
