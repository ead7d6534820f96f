#pragma once

// What the tests of chapter 06 share.

#include "event_loop.hpp"
#include "pitfall_hasty_queue.hpp"
#include "virtual_time_selector.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <latch>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing.hpp"

using asyncio::Duration;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::Handle;
using asyncio::NodePool;
using asyncio::Operation;
using asyncio::ReadyQueue;
using asyncio::Ref;
using asyncio::Selector;
using asyncio::SleepSelector;
using asyncio::TimePoint;
using asyncio::Timer;
using asyncio::TimerHandle;
using asyncio::TimerHeap;
using asyncio::VirtualTimeSelector;
using course::Counted;
using course::what;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

/// A loop whose clock jumps, and that clock.
struct VirtualLoop {
  VirtualTimeSelector& clock;
  EventLoop loop;

  VirtualLoop() : VirtualLoop(std::make_unique<VirtualTimeSelector>()) {}
  explicit VirtualLoop(std::unique_ptr<VirtualTimeSelector> selector)
      : clock(*selector), loop(std::move(selector)) {}

  /// Runs for one pass.
  void run_once() {
    loop.stop();
    loop.run_forever();
  }
  /// The time on the loop's clock, which began at 0.
  Duration time() const { return loop.time().time_since_epoch(); }
};

/// A selector that remembers what it was asked. Its time is virtual.
class RecordingSelector final : public Selector {
 public:
  void select(std::optional<Duration> timeout) override {
    timeouts.push_back(timeout);
    if (!timeout && instead_of_sleeping) return instead_of_sleeping();
    clock.select(timeout);
  }
  void wake() override {
    ++wakes;
    clock.wake();
  }
  TimePoint now() override { return clock.now(); }

  std::vector<std::optional<Duration>> timeouts;
  std::function<void()> instead_of_sleeping;  // for as long as it takes
  std::atomic<int> wakes = 0;
  VirtualTimeSelector clock;
};

struct RecordedLoop {
  RecordingSelector& selector;
  EventLoop loop;

  RecordedLoop() : RecordedLoop(std::make_unique<RecordingSelector>()) {}
  explicit RecordedLoop(std::unique_ptr<RecordingSelector> recording)
      : selector(*recording), loop(std::move(recording)) {}
};

/// Something scheduled that logs its name.
class Named final : public Operation {
 public:
  Named(Log& log, char name, int& alive)
      : Operation(asyncio::RefCount::local), log_(log), name_(name), alive_(alive) {
    ++alive_;
  }
  void run() override {
    log_.push_back(std::string(1, name_));
    --alive_;
  }
  void drop() noexcept override { --alive_; }
  const std::type_info& type() const noexcept override { return typeid(Named); }

 private:
  Log& log_;
  char name_;
  int& alive_;
};

/// Makes nodes, and runs what comes out of a queue.
struct Nodes {
  const NodePool::Owner pool = NodePool::create();
  Log log;
  int alive = 0;

  Ref<Named> make(char name) { return pool->make<Named>(log, name, alive); }
  void run_all(ReadyQueue& queue) {
    while (const Ref<Operation> node = queue.pop()) node->run();
  }
};

inline TimePoint at(Duration time) { return TimePoint(time); }

/// What `fn` throws, as text.
template <class F>
inline std::string error_of(F fn) {
  try {
    fn();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing";
}

/// What is written to stderr while `fn` runs.
template <class F>
inline std::string stderr_of(F fn) {
  testing::internal::CaptureStderr();
  fn();
  return testing::internal::GetCapturedStderr();
}

inline void nothing() {}
