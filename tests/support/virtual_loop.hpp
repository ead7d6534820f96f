#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "event_loop.hpp"
#include "log.hpp"
#include "thrown.hpp"
#include "virtual_time_selector.hpp"

namespace course {

/// Runs `loop` for so many passes.
inline void run_passes(asyncio::EventLoop& loop, int count) {
  for (int i = 0; i < count; ++i) {
    loop.stop();
    loop.run_forever();
  }
}

/// A loop whose clock jumps, and a log of what happens in it: "2 woken" has happened in its third pass. For
/// tests from chapter 06 on.
struct VirtualLoop {
  Log log;  // outlives what the loop destroys
  int pass = 0;
  asyncio::VirtualTimeSelector& clock;
  asyncio::EventLoop loop;

  VirtualLoop() : VirtualLoop(std::make_unique<asyncio::VirtualTimeSelector>()) {}
  explicit VirtualLoop(std::unique_ptr<asyncio::VirtualTimeSelector> selector)
      : clock(*selector), loop(std::move(selector)) {}

  /// Returns the time on the loop's clock, which began at 0.
  [[nodiscard]] asyncio::Duration time() const { return loop.time().time_since_epoch(); }

  /// Logs `what`, with the number of the pass.
  void note(const std::string& what) { log.push_back(std::to_string(pass) + " " + what); }
  /// Logs what the loop's exception handler is told.
  void note_reports() {
    loop.set_exception_handler([this](asyncio::EventLoop&, const asyncio::ExceptionContext& context) {
      log.push_back(context.message + ": " + what(context.exception));
    });
  }

  /// Runs for one pass.
  void run_once() {
    run_passes(loop, 1);
    ++pass;
  }
  /// Runs for so many passes.
  void passes(int count) {
    for (int i = 0; i < count; ++i) run_once();
  }
  /// Runs until `future` is done. @returns how many passes that took; after a million it gives up
  template <class AnyFuture>
  int passes_until_done(const AnyFuture& future) {
    const int before = pass;
    while (!future.done() && pass - before < 1'000'000) run_once();
    return pass - before;
  }
  /// Runs until the clock shows `time`, and then for one pass, in which those go on who have slept until
  /// then.
  void run_to(asyncio::Duration time) {
    loop.call_at(asyncio::TimePoint(time), [this] { loop.stop(); });
    loop.run_forever();
    run_once();
  }
};

}  // namespace course
