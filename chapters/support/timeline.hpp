#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "thread_name.hpp"
#include "timeline/layout.hpp"
#include "timeline/draw_svg.hpp"
#include "timeline/text.hpp"
#include "timeline/chrome_trace.hpp"
#include "timeline/write_file.hpp"

namespace concurrent {

/// Records who did what and when, and draws it. All members may be called from any thread. Recording a span
/// reads the clock twice and takes one short lock.
class Timeline {
 public:
  using Clock = std::chrono::steady_clock;

  /// An open span: it ends and is recorded when the object is destroyed. The timeline must outlive it.
  class Span {
   public:
    Span(Span&& other) noexcept
        : timeline_(std::exchange(other.timeline_, nullptr)), recorded_(std::move(other.recorded_)) {}
    Span& operator=(Span&& other) noexcept {
      std::swap(timeline_, other.timeline_);
      std::swap(recorded_, other.recorded_);
      return *this;
    }
    ~Span() {
      if (!timeline_) return;
      recorded_.end = timeline_->now();
      timeline_->add(std::move(recorded_));
    }

   private:
    friend Timeline;
    Span(Timeline& timeline, Recorded recorded) : timeline_(&timeline), recorded_(std::move(recorded)) {}

    Timeline* timeline_;
    Recorded recorded_;
  };

  /// Starts the clock.
  Timeline() = default;
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  /// Opens a span on the lane of the current thread, which has the thread's name: see thread_name().
  [[nodiscard]] Span span(std::string name, Activity activity = Activity::computing) {
    Recorded recorded{.name = std::move(name), .lane = thread_name(), .activity = activity};
    recorded.begin = now();
    return Span(*this, std::move(recorded));
  }

  /// Runs `fn()` inside a span, and returns its result. An exception ends the span too, and is passed on.
  template <class F>
  decltype(auto) record(std::string name, F&& fn) {
    const Span open = span(std::move(name));
    return std::invoke(std::forward<F>(fn));
  }

  /// Adds a span from elsewhere: another process, a simulated clock.
  void add(Recorded recorded) {
    std::lock_guard lock(mutex_);
    spans_.push_back(std::move(recorded));
  }

  /// Returns the time from the start to `moment`, for add(). All processes of a machine share this clock.
  [[nodiscard]] std::chrono::nanoseconds at(Clock::time_point moment) const { return moment - start_; }
  [[nodiscard]] std::chrono::nanoseconds now() const { return at(Clock::now()); }

  /// Returns the spans that have ended, in the order in which they began.
  [[nodiscard]] std::vector<Recorded> spans() const {
    std::unique_lock lock(mutex_);
    std::vector<Recorded> copy = spans_;
    lock.unlock();
    std::ranges::stable_sort(copy, {}, &Recorded::begin);
    return copy;
  }

  /// Draws the timeline for a terminal: see timeline_text().
  [[nodiscard]] std::string text(std::size_t columns = 80) const {
    return timeline_text(lanes_of(spans()), columns);
  }

  /// Draws the timeline into an SVG file: see timeline_svg(). Makes the folders on the way to it.
  /// @throws std::system_error that names the path if the file cannot be written
  void write_svg(const std::filesystem::path& path, std::string_view title,
                 TimelineSvgOptions options = {}) const {
    write_file(path, timeline_svg(lanes_of(spans()), title, options));
  }

  /// Writes a trace that https://ui.perfetto.dev opens. Makes the folders on the way to it.
  /// @throws std::system_error that names the path if the file cannot be written
  void write_chrome_trace(const std::filesystem::path& path) const {
    write_file(path, timeline_trace(lanes_of(spans())));
  }

 private:
  const Clock::time_point start_ = Clock::now();
  mutable std::mutex mutex_;
  std::vector<Recorded> spans_;
};

}  // namespace concurrent
