#pragma once

// What the tests of chapter 06 share.

#include "event_loop.hpp"
#include "virtual_time_selector.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "testing.hpp"
#include "virtual_loop.hpp"

using asyncio::Duration;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::Handle;
using asyncio::NodePool;
using asyncio::Operation;
using asyncio::ReadyQueue;
using asyncio::Ref;
using asyncio::Selector;
using asyncio::TimePoint;
using asyncio::TimerHandle;
using asyncio::VirtualTimeSelector;
using course::Counted;
using course::error_of;
using course::Log;
using course::stderr_of;
using course::VirtualLoop;
using course::what;
using namespace std::chrono_literals;

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

/// A loop on a RecordingSelector.
struct RecordedLoop {
  RecordingSelector& selector;
  EventLoop loop;

  RecordedLoop() : RecordedLoop(std::make_unique<RecordingSelector>()) {}
  explicit RecordedLoop(std::unique_ptr<RecordingSelector> recording)
      : selector(*recording), loop(std::move(recording)) {}
};

/// An operation that logs its name.
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

inline void nothing() {}
