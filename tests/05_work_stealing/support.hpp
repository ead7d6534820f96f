#pragma once

// What the tests of chapter 05 share.

#include "event_count.hpp"
#include "fork_join.hpp"
#include "task_scope.hpp"
#include "work_stealing_deque.hpp"
#include "work_stealing_executor.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::EventCount;
using concurrent::fork_join;
using concurrent::Job;
using concurrent::TaskScope;
using concurrent::WorkStealingDeque;
using concurrent::WorkStealingExecutor;
using course::AtEnd;
using course::Counted;
using course::what;
using Log = std::vector<std::string>;

/// Keeps workers busy until they are told to go on.
class Gate {
 public:
  void open() {
    opened_ = 1;
    opened_.notify_all();
  }
  Job job() {
    return [this] { pass(); };
  }
  void pass() {
    entered_.release();
    opened_.wait(0);
  }
  void wait_until_entered() { entered_.acquire(); }

 private:
  std::counting_semaphore<> entered_{0};
  std::atomic<int> opened_ = 0;
};

/// Opens a gate however a test ends. Declared after the executor: it joins its workers.
struct OpenAtTheEnd {
  explicit OpenAtTheEnd(Gate& gate) : gate(gate) {}
  ~OpenAtTheEnd() { gate.open(); }
  Gate& gate;
};

/// Runs `fn` on a worker of `executor`, and returns when it has ended.
template <class F>
inline void on_worker(WorkStealingExecutor& executor, F fn) {
  std::binary_semaphore done(0);
  executor.post([&] {
    fn();
    done.release();
  });
  done.acquire();
}
