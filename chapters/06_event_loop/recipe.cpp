// The cookbook's second recipe: three functions that schedule one another. And what becomes of a loop when a
// callback blocks.

#include <event_loop.hpp>  // yours or the reference's: "event_loop.hpp" would always be the one in this folder

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "recipe.hpp"
#include "timeline.hpp"

using namespace concurrent;
using asyncio::Duration;
using asyncio::EventLoop;
using asyncio::TimePoint;

namespace {

/// Calls function 1, 2, 3, 1, … one a unit, until nine units are over.
class RoundRobin {
 public:
  RoundRobin(EventLoop& loop, Duration unit) : loop_(loop), unit_(unit), end_(loop.time() + 9 * unit) {}

  void function(int number) {
    // The blank after the second is the cookbook's.
    print_line("function_" + std::to_string(number) + (number == 2 ? " called " : " called"));
    std::fflush(stdout);
    if (loop_.time() + unit_ < end_)
      loop_.call_later(unit_, &RoundRobin::function, this, number % 3 + 1);
    else
      loop_.stop();
  }

 private:
  EventLoop& loop_;
  const Duration unit_;
  const TimePoint end_;
};

void one_after_another(Duration unit) {
  EventLoop loop;
  RoundRobin round(loop, unit);
  loop.call_soon(&RoundRobin::function, &round, 1);
  loop.run_forever();
  loop.close();
}

/// A heart that is to beat once a unit, and three tasks that block the loop, each for longer.
class Starvation {
 public:
  explicit Starvation(Duration unit) : unit_(unit), start_(loop_.time()) {}

  void run() {
    beat(start_);
    for (int task = 0; task < 3; ++task)
      loop_.call_later(4 * task * unit_ + unit_ / 2, [=, this] { block(task); });
    loop_.call_later(13 * unit_, [this] { loop_.stop(); });
    loop_.run_forever();
    show();
  }

 private:
  /// Python's `time.sleep()` in a callback: nothing else runs meanwhile.
  void block(int task) {
    const std::string name = std::string("task_") + static_cast<char>('A' + task);
    print_line(name + " blocks the loop");
    const auto begin = timeline_.now();
    std::this_thread::sleep_for((task + 1) * unit_);
    timeline_.add({.name = name, .lane = "tasks", .begin = begin, .end = timeline_.now()});
  }

  void beat(TimePoint due) {
    const Duration late = loop_.time() - due;
    latest_ = std::max(latest_, late);
    if (late > unit_ / 10)
      timeline_.add({.name = "late",
                     .lane = "heartbeat",
                     .begin = timeline_.at(due),
                     .end = timeline_.now(),
                     .activity = Activity::waiting});
    timeline_.add(
        {.name = "beat", .lane = "heartbeat", .begin = timeline_.now(), .end = timeline_.now() + unit_ / 10});
    const TimePoint next = loop_.time() + unit_;
    loop_.call_at(next, &Starvation::beat, this, next);
  }

  void show() {
    const std::filesystem::path folder = "build/recipe-06";
    const std::string title = "A loop that is blocked";
    print_line("the latest beat came " + column(std::chrono::duration<double>(latest_) / unit_, 0, 1) +
               " units late\n");
    std::fputs(timeline_.text().c_str(), stdout);
    timeline_.write_svg(folder / "timeline.svg", title);
    timeline_.write_chrome_trace(folder / "trace.json");
    print_line("\nThe timeline as a picture:  " + (folder / "timeline.svg").string());
    print_line("… for ui.perfetto.dev:      " + (folder / "trace.json").string());
  }

  EventLoop loop_;
  const Duration unit_;
  Timeline timeline_;
  const TimePoint start_;
  Duration latest_{};
};

}  // namespace

int main(int argc, char** argv) {
  std::chrono::nanoseconds unit = std::chrono::seconds(1);
  bool blocking = false;
  const RecipeOptions options(
      "Three functions that schedule one another on an event loop, one a second.",
      {{"--unit", "stands for a second, as in --unit 10ms (default 1s)", unit},
       {"--blocking", "three tasks that block the loop instead, beside a heartbeat", blocking}});
  return recipe(argc, argv, options, [&] {
    if (blocking)
      Starvation(unit).run();
    else
      one_after_another(unit);
  });
}
