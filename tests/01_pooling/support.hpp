#pragma once

// What the tests of chapter 01 share.

#include "blocking_queue.hpp"
#include "thread_pool.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::BlockingQueue;
using concurrent::Job;
using concurrent::ThreadPool;
using course::Counted;

/// Keeps workers busy until they are told to go on.
class Gate {
 public:
  /// Lets all jobs through, those that have come and those that will.
  void open() {
    opened_ = 1;
    opened_.notify_all();
  }
  Job job() {
    return [this] {
      entered_.release();
      opened_.wait(0);
    };
  }
  void wait_until_entered() { entered_.acquire(); }

 private:
  std::counting_semaphore<> entered_{0};
  std::atomic<int> opened_ = 0;
};

/// Opens a gate however a test ends. Declared after the pool: it joins its workers.
struct OpenAtTheEnd {
  explicit OpenAtTheEnd(Gate& gate) : gate(gate) {}
  ~OpenAtTheEnd() { gate.open(); }
  Gate& gate;
};

/// From now on, when this thread wakes up, it does not push another one off the processor: the one that wakes
/// it goes on for a while first.
inline void wake_up_politely() {
  const sched_param usual{};
  sched_setscheduler(0, SCHED_BATCH, &usual);
}
