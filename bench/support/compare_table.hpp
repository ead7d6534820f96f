#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "compare_rows.hpp"
#include "timeline/time_text.hpp"
#include "timeline/utf8.hpp"

namespace bench {

/// The median, and in the same unit the fastest and the slowest round.
struct TimeTexts {
  explicit TimeTexts(const Row& row) {
    const auto unit = concurrent::TimeUnit::of(row.time());
    const auto in_unit = [&](Nanoseconds time) { return concurrent::three_digits(time / unit.length); };
    time = in_unit(row.time()) + " " + unit.name;
    if (row.times.size() > 1) spread = in_unit(row.fastest()) + "–" + in_unit(row.slowest());
  }
  std::string time, spread;
};

/// Prints a table per group, 80 columns wide.
class Table {
 public:
  /// @param labels whether to name the programs: there are several
  /// @param colour for a terminal
  Table(std::ostream& out, bool labels, bool colour) : out_(out), labels_(labels), colour_(colour) {}

  void print(const std::vector<Group>& groups) {
    for (const Group& group : groups)
      for (const Row* row : group.rows) {
        name_ = std::clamp(concurrent::columns_of(row->variant()), name_, labels_ ? 20uz : 24uz);
        if (labels_)
          label_ = std::clamp(concurrent::columns_of(row->program->label), label_, std::size_t{10});
      }
    for (const Group& group : groups) print(group);
  }

 private:
  static constexpr std::size_t width = 80;

  void print(const Group& group) {
    using namespace concurrent;
    const BarScale scale(group);
    const std::size_t names = 2 + name_ + (labels_ ? 1 + label_ : 0);
    const std::size_t bars = width - names - 41;
    const std::string note = scale.logarithmic() ? (bars < 9 ? "      log" : "      log scale") : "";
    out_ << styled("1", left_aligned(shortened(group.name, names), names)) << right_aligned("per item", 9)
         << styled("2", right_aligned("min–max", 13)) << "  vs baseline" << styled("2", note) << '\n';
    std::string_view previous;
    for (const Row* row : group.rows) {
      const bool repeated = row->variant() == previous;
      previous = row->variant();
      out_ << "  " << left_aligned(repeated ? "" : shortened(row->variant(), name_), name_);
      if (labels_) out_ << ' ' << left_aligned(shortened(row->program->label, label_), label_);
      if (!row->measured()) {
        out_ << "  ✘ " << shortened(printable(row->error), width - names - 4) << '\n';
        continue;
      }
      const TimeTexts texts(*row);
      const Row* baseline = group.baseline();
      out_ << right_aligned(texts.time, 9) << styled("2", right_aligned(texts.spread, 13)) << "  "
           << left_aligned(row == baseline ? "baseline" : against(row->time(), baseline->time()), 15) << "  "
           << bar(scale.length(row->time()), bars) << '\n';
    }
    out_ << '\n';
  }

  /// A bar in eighths of a column; the shortest is one eighth.
  static std::string bar(double length, std::size_t columns) {
    static constexpr std::array<std::string_view, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const auto eighths =
        static_cast<std::size_t>(std::max(1.0, std::round(length * 8 * static_cast<double>(columns))));
    std::string text;
    for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
    return text += parts[eighths % 8];
  }

  std::string styled(const char* code, const std::string& text) const {
    return colour_ ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
  }

  std::ostream& out_;
  bool labels_, colour_;
  std::size_t name_ = 10, label_ = 0;
};

}  // namespace bench
