#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "compare_rows.hpp"
#include "timeline/svg.hpp"
#include "timeline/time_text.hpp"
#include "timeline/utf8.hpp"

namespace bench {

/// The results as a bar chart, an SVG file: a bar a row, a colour a program, and a thin line from the fastest
/// round to the slowest.
class Chart {
 public:
  Chart(const std::vector<Group>& groups, const std::vector<Program>& programs, std::string_view title)
      : programs_(programs), svg_(title) {
    for (const Group& group : groups)
      for (const Row* row : group.rows) names_ = std::max(names_, Svg::width_of(shortened(row->variant())));
    for (const Group& group : groups) draw(group);
  }

  /// The whole file.
  std::string str() {
    if (programs_.size() > 1) {
      std::vector<Svg::LegendEntry> entries;
      for (const Program& program : programs_)
        if (program.error.empty()) entries.push_back({colour(program), program.label});
      y_ = svg_.legend(Svg::left + names_ + 12, y_ + 2, entries);
    }
    return svg_.str(y_ + 8);
  }

 private:
  using Svg = concurrent::Svg;
  static constexpr double row_height = 30, bar_height = 20, texts = 200;

  static std::string shortened(std::string_view name) { return concurrent::shortened(name, 24); }

  std::string colour(const Program& program) const {
    return "c" + std::to_string(static_cast<std::size_t>(&program - programs_.data()) % Svg::colours);
  }

  void draw(const Group& group) {
    const BarScale scale(group);
    const double left = Svg::left + names_ + 12, length = Svg::right - texts - left;
    svg_.text(Svg::left, y_ + 14, "total", group.name);
    svg_.text(Svg::right, y_ + 14, "value end",
              scale.logarithmic() ? "time per item, log scale" : "time per item");
    y_ += 24;
    svg_.line(left, y_, left, y_ + row_height * static_cast<double>(group.rows.size()), "axis");
    std::string_view previous;
    for (const Row* row : group.rows) {
      if (row->variant() != previous) svg_.text(left - 12, y_ + 20, "name end", shortened(row->variant()));
      previous = row->variant();
      if (row->measured())
        draw(*row, *group.baseline(), scale, left, length);
      else
        svg_.text(left + 8, y_ + 20, "value", "failed");
      y_ += row_height;
    }
    y_ += 22;
  }

  void draw(const Row& row, const Row& baseline, const BarScale& scale, double left, double length) {
    const auto x = [&](Nanoseconds time) { return left + length * scale.length(time); };
    const double middle = y_ + row_height / 2;
    const std::string time = concurrent::in_words(row.time());
    svg_.rect(left, middle - bar_height / 2, std::max(x(row.time()) - left, 1.5), bar_height,
              colour(*row.program),
              row.program->label + " " + row.name + ": " + time + ", from " +
                  concurrent::in_words(row.fastest()) + " to " + concurrent::in_words(row.slowest()));
    svg_.line(x(row.fastest()), middle, x(row.slowest()), middle, "spread");
    for (const Nanoseconds edge : {row.fastest(), row.slowest()})
      svg_.line(x(edge), middle - 4, x(edge), middle + 4, "spread");
    const double text = x(row.slowest()) + 10;
    svg_.text(text, y_ + 20, "total", time);
    svg_.text(text + Svg::width_of(time) + 8, y_ + 20, "value",
              &row == &baseline ? "baseline" : against(row.time(), baseline.time()));
  }

  const std::vector<Program>& programs_;
  Svg svg_;
  double names_ = 60;
  double y_ = Svg::top;
};

}  // namespace bench
