#include "report.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

#include "../grader/text.hpp"

namespace explore {
namespace {

constexpr std::size_t width = 74, narrowest = 15, widest = 32, most_rows = 60;

std::string padded(const std::string& text, std::size_t columns) {
  return text + std::string(columns - std::min(columns, grader::columns(text)), ' ');
}

/// "blocking_queue.hpp:96", or as much of it as there is room for: the line matters most.
std::string fitted(const Place& place, std::size_t columns) {
  const std::string line = ":" + std::to_string(place.line);
  const std::filesystem::path file(place.file);
  for (const std::string& name : {file.filename().string(), file.stem().string()})
    if (name.size() + line.size() <= columns) return name + line;
  return grader::cut(file.stem().string(), columns - line.size()) + line;
}

/// The lines of a cell: no line is longer than `columns`, breaks are at spaces where there is one.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  while (text.size() > columns) {
    const std::size_t space = text.substr(0, columns + 1).rfind(' ');
    const std::size_t end = space == std::string_view::npos || space == 0 ? columns : space;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(space == end ? end + 1 : end);
  }
  lines.emplace_back(text);
  return lines;
}

class Report {
 public:
  explicit Report(const Story& story) : story_(story) {}

  std::string text() && {
    text_ = std::string(name(story_.failure)) + ": " + story_.message + "\n";
    sites();
    threads();
    table();
    sources();
    return std::move(text_);
  }

 private:
  void place(const Place& place, std::size_t indent, const std::string& before = "") {
    if (!place.known()) return;
    const std::string where = std::string(indent, ' ') + before +
                              (place.function.empty() ? "" : place.function + ", ") + place.short_name();
    text_ += where + "\n";
    if (!place.source.empty())  // what is out of a test's sight has none
      text_ += std::string(indent + 2, ' ') + grader::cut(place.source, width - indent - 2) + "\n";
  }

  void sites() {
    for (const SiteStory& site : story_.sites) {
      text_ += "  " + site.what + "\n";
      place(site.place, 4, "in ");
    }
  }

  void threads() {
    text_ += "\nWhere the threads are:\n";
    for (const ThreadStory& thread : story_.threads) {
      text_ += "  " + thread.name + " " + thread.doing + "\n";
      for (const Place& p : thread.places) place(p, 4, "in ");
    }
  }

  void table() {
    std::vector<int> shown;
    const std::size_t first = story_.rows.size() > most_rows ? story_.rows.size() - most_rows : 0;
    for (std::size_t i = first; i < story_.rows.size(); ++i) shown.push_back(story_.rows[i].thread);
    std::ranges::sort(shown);
    shown.erase(std::ranges::unique(shown).begin(), shown.end());
    if (shown.empty()) return;
    const std::size_t columns = std::clamp((width - 3 - 2 * shown.size()) / shown.size(), narrowest, widest);

    text_ += "\nWhat happened, one line after the other:\n";
    if (first > 0) text_ += "  (the first " + std::to_string(first) + " lines are left out)\n";
    text_ += "   ";
    for (const int thread : shown) text_ += "│ " + padded("thread " + std::to_string(thread + 1), columns);
    text_ += "\n───";
    for (std::size_t i = 0; i < shown.size(); ++i) {
      text_ += "┼";
      for (std::size_t k = 0; k < columns + 1; ++k) text_ += "─";
    }
    text_ += "\n";
    for (std::size_t i = first; i < story_.rows.size(); ++i) row(i, shown, columns);
  }

  void row(std::size_t number, const std::vector<int>& shown, std::size_t columns) {
    const Row& row = story_.rows[number];
    std::vector<std::string> lines;
    for (const std::string& text : row.texts)
      std::ranges::move(wrapped(text, columns), std::back_inserter(lines));
    if (row.place.known()) lines.push_back("  " + fitted(row.place, columns - 2));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::string line = i == 0 ? std::to_string(number + 1) : "";
      line = std::string(2 - std::min<std::size_t>(2, line.size()), ' ') + line + " ";
      for (const int thread : shown) line += "│ " + padded(thread == row.thread ? lines[i] : "", columns);
      line.erase(line.find_last_not_of(' ') + 1);
      text_ += line + "\n";
    }
    places_.insert({row.place.file, row.place.line});
  }

  void sources() {
    std::map<std::pair<std::string, int>, const Place*> known;
    for (const Row& row : story_.rows)
      if (row.place.known() && !row.place.source.empty() && row.place.source != "}" &&
          places_.contains({row.place.file, row.place.line}))
        known[{row.place.file, row.place.line}] = &row.place;
    std::string file;
    for (const auto& [at, place] : known) {
      if (file != at.first) text_ += "\n" + (file = at.first) + "\n";
      const std::string line = std::to_string(at.second);
      text_ += std::string(6 - std::min<std::size_t>(6, line.size()), ' ') + line + "  " +
               grader::cut(place->source, width - 8) + "\n";
    }
  }

  const Story& story_;
  std::string text_;
  std::set<std::pair<std::string, int>> places_;
};

}  // namespace

std::string report(const Story& story) { return Report(story).text(); }

}  // namespace explore
