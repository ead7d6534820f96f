#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "empty_job.hpp"
#include "row.hpp"

namespace bench {

/// The least that a pool does, by hand: jobs on their way from one thread to others, in the order in which
/// they were posted. Each is a function and what it is called with, in a slot that is ready when the function
/// is there. So to post a job takes a store that others see, and to take it a load; nothing less carries
/// anything from one thread to another. A thread that posts has its own slots, so that it need not agree on a
/// place with others. Nobody sleeps, so nobody must be woken; nobody waits for room, for there is enough.
class JobSlots {
 public:
  explicit JobSlots(int count) : slots_(static_cast<std::size_t>(count)) {}

  /// Posts the next job, on the thread whose slots these are.
  void post(void (*run)(int), int number) {
    Slot& slot = slots_[posted_++];
    slot.number = number;
    slot.run.store(run, std::memory_order_release);
  }
  void start_again() { posted_ = 0; }

  /// Runs the job in a place, if it is there yet. @returns whether it was
  bool try_run(int place) {
    Slot& slot = slots_[static_cast<std::size_t>(place)];
    void (*const run)(int) = slot.run.load(std::memory_order_acquire);
    if (!run) return false;
    slot.run.store(nullptr, std::memory_order_relaxed);  // for the next batch
    run(slot.number);
    return true;
  }
  void run(int place) {
    while (!try_run(place)) std::this_thread::yield();
  }

 private:
  struct Slot {
    std::atomic<void (*)(int)> run = nullptr;
    int number = 0;
  };

  std::vector<Slot> slots_;
  std::size_t posted_ = 0;
};

/// The floor of empty_jobs(): one worker, so that none must ask others which job is its.
inline void empty_jobs_by_hand() {
  row("a job/floor: a store and a load", many, [] {
    return warmed_up([slots = std::make_shared<JobSlots>(many)] {
      slots->start_again();
      std::jthread worker([&] {
        for (int place = 0; place < many; ++place) slots->run(place);
      });
      for (int i = 0; i < many; ++i) slots->post([](int) { empty_job(); }, i);
    });
  });
}

}  // namespace bench
