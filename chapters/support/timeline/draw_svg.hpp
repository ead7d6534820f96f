#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "svg.hpp"
#include "time_text.hpp"
#include "layout.hpp"
#include "utf8.hpp"

namespace concurrent {

struct TimelineSvgOptions {
  std::chrono::nanoseconds until{};  ///< least length of the axis, for figures that are to be compared
};

namespace detail {

/// Draws one timeline.
class TimelineFigure {
 public:
  TimelineFigure(const std::vector<Lane>& lanes, std::string_view title, TimelineSvgOptions options)
      : lanes_(lanes),
        total_(end_of(lanes)),
        axis_(std::max(total_, Nanoseconds(options.until)), 8),
        svg_(title) {
    double widest = 80;  // short names all take the same room, so that figures can be compared
    for (const Lane& lane : lanes)
      widest = std::max(widest, Svg::width_of(shortened(lane.name, longest_name)));
    left_ = Svg::left + widest + 12;
  }

  std::string draw() {
    if (lanes_.empty()) {
      svg_.text(Svg::left, Svg::top + 14, "value", "Nothing was recorded.");
      return svg_.str(Svg::top + 36);
    }
    const double bottom = draw_grid();
    double y = Svg::top;
    for (const Lane& lane : lanes_) {
      svg_.text(left_ - 12, y + baseline, "name end", shortened(lane.name, longest_name));
      for (const Lane::Track& track : lane.tracks) {
        for (const Recorded& span : track) draw_span(span, y);
        y += row;
      }
    }
    draw_axis(bottom + 4);
    return svg_.str(svg_.legend(left_, bottom + 48, legend()) + 4);
  }

 private:
  static constexpr double row = 34, block = 26, baseline = 22;
  static constexpr std::size_t longest_name = 22;

  double x(Nanoseconds time) const { return left_ + time / axis_.end * (Svg::right - left_); }

  double draw_grid() {
    double y = Svg::top;
    for (const Lane& lane : lanes_) {
      const double height = row * static_cast<double>(lane.tracks.size());
      svg_.rect(left_, y + 2, Svg::right - left_, height - 4, "track");
      y += height;
    }
    for (int tick = 1; tick <= axis_.ticks(); ++tick)
      svg_.line(x(axis_.step * tick), Svg::top, x(axis_.step * tick), y, "grid");
    return y;
  }

  void draw_span(const Recorded& span, double y) {
    const double begin = x(span.begin);
    const double length = std::max(x(span.end) - begin, 1.5);
    const bool waits = span.activity == Activity::waiting;
    Item& item = item_of(span.name);
    const std::string colour = std::to_string(static_cast<std::size_t>(&item - items_.data()) % Svg::colours);
    const std::string tooltip = span.name + (waits ? " waits, " : ", ") + in_words(span.end - span.begin) +
                                " from " + in_words(span.begin) + " on";
    svg_.rect(begin, y + (row - block) / 2, length, block, (waits ? "w" : "c") + colour, tooltip);
    if (Svg::width_of(span.name) + 6 > length) return;
    svg_.text(begin + length / 2, y + baseline, waits ? "over middle" : "on middle", span.name);
    item.labelled = true;
  }

  void draw_axis(double y) {
    svg_.line(left_, y, Svg::right, y, "axis");
    for (int tick = 0; tick <= axis_.ticks(); ++tick) {
      const double at = x(axis_.step * tick);
      svg_.line(at, y, at, y + 6, "axis");
      const std::string unit = tick == axis_.ticks() ? std::string(" ") + axis_.unit.name : "";
      const bool room = at + 24 < Svg::right;
      svg_.text(room ? at : Svg::right, y + 24, room ? "value middle" : "value end",
                axis_.label(tick) + unit);
    }
    const std::string total = in_words(total_);
    const bool room = x(total_) + 10 + Svg::width_of(total) < Svg::right;
    svg_.line(x(total_), room ? Svg::top : Svg::top - 12, x(total_), y + 6, "note");
    svg_.text(room ? x(total_) + 8 : Svg::right, room ? Svg::top + baseline : 36,
              room ? "total" : "total end", total);
  }

  /// Returns the legend: the items by colour if there are few and some blocks are too short for a name, and
  /// how a wait looks if there is one.
  std::vector<Svg::LegendEntry> legend() const {
    std::vector<Svg::LegendEntry> entries;
    if (items_.size() <= Svg::colours && !std::ranges::all_of(items_, &Item::labelled))
      for (std::size_t i = 0; i < items_.size(); ++i)
        entries.push_back({"c" + std::to_string(i), shortened(items_[i].name, 40)});
    if (anyone_waits(lanes_)) {
      entries.push_back({"plain", "computing"});
      entries.push_back({"hatched", "waiting"});
    }
    return entries;
  }

  struct Item {
    std::string name;
    bool labelled = false;  // somewhere in the picture
  };

  /// Returns the item of that name, so that it has the same colour wherever it appears.
  Item& item_of(const std::string& name) {
    const auto known = std::ranges::find(items_, name, &Item::name);
    return known != items_.end() ? *known : items_.emplace_back(name);
  }

  const std::vector<Lane>& lanes_;
  Nanoseconds total_;
  TimeAxis axis_;
  double left_;
  Svg svg_;
  std::vector<Item> items_;
};

}  // namespace detail

/// Returns the timeline as an SVG file: a row for each lane, a colour for each item, waits hatched, and an
/// axis with times below.
inline std::string timeline_svg(const std::vector<Lane>& lanes, std::string_view title,
                                TimelineSvgOptions options = {}) {
  return detail::TimelineFigure(lanes, title, options).draw();
}

}  // namespace concurrent
