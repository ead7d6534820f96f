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

/// Calls a function when it is destroyed.
struct AtEnd {
  std::function<void()> call;
  explicit AtEnd(std::function<void()> fn) : call(std::move(fn)) {}
  AtEnd(AtEnd&& other) noexcept : call(std::exchange(other.call, nullptr)) {}
  ~AtEnd() {
    if (call) call();
  }
};

inline TimePoint at(Duration time) { return TimePoint(time); }

inline void nothing() {}
