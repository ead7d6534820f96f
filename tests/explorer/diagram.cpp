#include "diagram.hpp"

#include <algorithm>
#include <vector>

#include "timeline/svg.hpp"

namespace explore {
namespace {

using concurrent::Svg;

constexpr double line_height = 20, gap = 12, padding = 8;
constexpr std::size_t most_rows = 80;

std::string colour(int thread) {
  return "c" + std::to_string(static_cast<std::size_t>(thread) % Svg::colours);
}
std::string hatch(int thread) {
  return "w" + std::to_string(static_cast<std::size_t>(thread) % Svg::colours);
}

}  // namespace

std::string diagram(const Story& story) {
  Svg svg(std::string(name(story.failure)) + ": " + story.message);
  const std::size_t first = story.rows.size() > most_rows ? story.rows.size() - most_rows : 0;
  const double column =
      (Svg::right - Svg::left) / static_cast<double>(std::max<std::size_t>(story.threads.size(), 1));
  const auto x_of = [&](int thread) { return Svg::left + column * thread; };
  const auto letters =
      static_cast<std::size_t>(std::max(8.0, (column - 3 * padding) / (0.58 * Svg::font_size)));

  double bottom = Svg::top + 40;
  for (std::size_t i = first; i < story.rows.size(); ++i)
    bottom += (static_cast<double>(story.rows[i].texts.size()) + 1) * line_height + gap;

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
    const double height = (static_cast<double>(row.texts.size()) + 1) * line_height + padding / 2;
    if (before >= 0 && before != row.thread)  // another thread runs on
      svg.line(x_of(before) + column / 2, y - gap / 2, x_of(row.thread) + column / 2, y - gap / 2, "axis");
    svg.rect(x, y, column - padding, height, "card", row.place.source);
    svg.rect(x, y, column - padding, height, hatch(row.thread), row.place.source);
    double at = y + 16;
    for (const std::string& text : row.texts) {
      svg.text(x + padding, at, "name", concurrent::shortened(text, letters));
      at += line_height;
    }
    svg.text(x + padding, at, "value",
             concurrent::shortened(row.place.known() ? row.place.short_name() : "", letters));
    y += height + gap - padding / 2;
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
