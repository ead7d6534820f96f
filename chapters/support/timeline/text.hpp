#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "time_text.hpp"
#include "layout.hpp"
#include "utf8.hpp"

namespace concurrent {
namespace detail {

/// A row of a terminal, written cell by cell.
class TextRow {
 public:
  explicit TextRow(std::size_t width) : cells_(width, " ") {}

  /// Writes `text` from cell `at` on, as far as the row goes.
  void put(std::size_t at, std::string_view text) {
    for (; !text.empty() && at < cells_.size(); ++at) {
      cells_[at] = first_columns(text, 1);
      text.remove_prefix(cells_[at].size());
    }
  }

  /// Fills `width` cells with a block, its label in the middle if there is room.
  void block(std::size_t at, std::size_t width, const Recorded& span) {
    const bool waits = span.activity == Activity::waiting;
    for (std::size_t i = 0; i < width; ++i) put(at + i, waits ? "░" : "█");
    if (!waits) {  // half a cell, so that adjacent blocks stay distinct
      put(at + width - 1, "▌");
      if (width > 1) put(at, "▐");
    }
    const std::size_t label = columns_of(span.name);
    if (label == 0 || label + 1 > width) return;
    const std::string space = label + 4 <= width ? " " : "";
    put(at + (width - label + 1) / 2 - space.size(), space + span.name + space);
  }

  bool blank(std::size_t at, std::size_t width) const {
    return at + width <= cells_.size() && std::all_of(cells_.begin() + at, cells_.begin() + at + width,
                                                      [](auto& cell) { return cell == " "; });
  }

  std::string str() const {
    std::string text;
    for (const std::string& cell : cells_) text += cell;
    return text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }

 private:
  std::vector<std::string> cells_;
};

}  // namespace detail

/// Returns the timeline as text, at most `columns` wide: a row for each lane, blocks to scale, and an axis
/// with times below. A lane whose spans overlap takes more rows.
inline std::string timeline_text(const std::vector<Lane>& lanes, std::size_t columns = 80) {
  if (lanes.empty()) return "(nothing recorded)\n";
  std::size_t gutter = 0;
  for (const Lane& lane : lanes) gutter = std::max(gutter, columns_of(lane.name));
  gutter = std::min(gutter, columns / 4);
  const std::size_t left = gutter + 2;
  const std::size_t width = std::max<std::size_t>(columns, left + 20) - left;

  const TimeAxis axis(end_of(lanes), static_cast<int>(width / 11));
  const auto column = [&](Nanoseconds time) {
    return left + std::min(width - 1, static_cast<std::size_t>(time / axis.end * static_cast<double>(width)));
  };

  std::string text;
  for (const Lane& lane : lanes) {
    for (std::size_t i = 0; i < lane.tracks.size(); ++i) {
      detail::TextRow row(left + width);
      if (i == 0) row.put(0, shortened(lane.name, gutter));
      row.put(gutter + 1, "│");
      for (const Recorded& span : lane.tracks[i]) {
        const std::size_t begin = column(span.begin);
        const std::size_t end = span.end >= axis.end ? left + width : column(span.end);
        row.block(begin, std::max<std::size_t>(end, begin + 1) - begin, span);
      }
      text += row.str();
    }
  }

  detail::TextRow line(left + width), labels(left + width);
  line.put(gutter + 1, "└");
  for (std::size_t i = left; i < left + width; ++i) line.put(i, "─");
  const std::string total = in_words(axis.end);
  labels.put(left + width - columns_of(total), total);
  for (int tick = 0; tick <= axis.ticks(); ++tick) {
    const std::size_t at = column(axis.step * tick) - (tick == 0 ? 1 : 0);
    line.put(at, tick == 0 ? "└" : "┴");
    const std::string label = axis.label(tick);
    const std::size_t from = at - (columns_of(label) - 1) / 2;
    if (labels.blank(from, columns_of(label) + 2)) labels.put(from, label);
  }
  text += line.str() + labels.str();
  if (anyone_waits(lanes)) text += std::string(left, ' ') + "█ computing   ░ waiting\n";
  return text;
}

}  // namespace concurrent
