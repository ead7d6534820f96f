#include "diagram.hpp"

#include <algorithm>
#include <vector>

#include "timeline/svg.hpp"

namespace explore {
namespace {

using concurrent::Svg;

constexpr double line_height = 20, gap = 12, padding = 8, stripe = 5;
constexpr std::size_t most_rows = 80;

std::string colour(int thread) {
  return "c" + std::to_string(static_cast<std::size_t>(thread) % Svg::colours);
}

double height_of(const Row& row) {
  return (static_cast<double>(row.texts.size()) + (row.place.known() ? 1 : 0)) * line_height + padding / 2;
}

}  // namespace

std::string diagram(const Story& story) {
  Svg svg(concurrent::shortened(std::string(name(story.failure)) + ": " + story.message, 88));
  const std::size_t first = story.rows.size() > most_rows ? story.rows.size() - most_rows : 0;
  const double column =
      (Svg::right - Svg::left) / static_cast<double>(std::max<std::size_t>(story.threads.size(), 1));
  const auto x_of = [&](int thread) { return Svg::left + column * thread; };
  const auto letters =
      static_cast<std::size_t>(std::max(8.0, (column - 3 * padding) / (0.58 * Svg::font_size)));

  double bottom = Svg::top + 40;
  for (std::size_t i = first; i < story.rows.size(); ++i) bottom += height_of(story.rows[i]) + gap;

  for (std::size_t i = 0; i < story.threads.size(); ++i) {
    const int thread = static_cast<int>(i);
    const double middle = x_of(thread) + column / 2;
    svg.line(middle, Svg::top + 28, middle, bottom, "note");
    svg.rect(x_of(thread) + padding / 2, Svg::top, column - padding, 28, colour(thread));
    svg.text(middle, Svg::top + 19, "on middle", concurrent::shortened(story.threads[i].name, letters));
  }
  double y = Svg::top + 40;
  int before = -1;
  for (std::size_t i = first; i < story.rows.size(); ++i) {
    const Row& row = story.rows[i];
    const double x = x_of(row.thread) + padding / 2;
    const double height = height_of(row);
    if (before >= 0 && before != row.thread)  // another thread runs on
      svg.line(x_of(before) + column / 2, y - gap / 2, x_of(row.thread) + column / 2, y - gap / 2, "axis");
    svg.rect(x, y, column - padding, height, "track");
    svg.rect(x, y, stripe, height, colour(row.thread));
    double at = y + 16;
    const auto write = [&](const std::string& style, const std::string& text) {
      svg.text(x + stripe + padding, at, style, concurrent::shortened(text, letters));
      at += line_height;
    };
    for (const std::string& text : row.texts) write("name", text);
    if (row.place.known()) write("value", row.place.short_name() + "  " + row.place.source);
    y += height + gap;
    before = row.thread;
  }
  y += gap;
  for (const ThreadStory& thread : story.threads) {
    svg.text(Svg::left, y + 16, "name", concurrent::shortened(thread.name + " " + thread.doing, 100));
    y += line_height;
  }
  return svg.str(y + 20);
}

}  // namespace explore
