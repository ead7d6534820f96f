#include "progress.hpp"

#include <cstdio>

#include "text.hpp"

namespace grader {

void ProgressLine::show(const Progress& progress) {
  const std::size_t cells = terminal_.width < 70 ? 6 : 20;
  if (!terminal_.live || progress.running.empty()) return;
  const std::size_t full = progress.done * cells / progress.all;
  std::string bar;
  for (std::size_t i = 0; i < cells; ++i) bar += i < full ? "█" : "░";
  const std::string counts = "  " + std::to_string(progress.done) + "/" + std::to_string(progress.all) + "  ";
  std::string names;
  for (const Result* result : progress.running)
    names += (names.empty() ? "" : ", ") + sentence(result->test->name);
  const std::string start = progress.running.front()->chapter->id + " ";
  const std::size_t used = columns(start) + cells + counts.size();
  const std::size_t room = terminal_.width > used + 2 ? terminal_.width - used - 1 : 1;
  std::string line = start + terminal_.good(bar) + counts + terminal_.dim(cut(names, room));
  if (line == shown_) return;
  std::printf("\r\033[K%s", line.c_str());
  std::fflush(stdout);
  shown_ = std::move(line);
}

void ProgressLine::clear() {
  if (shown_.empty()) return;
  std::printf("\r\033[K");
  std::fflush(stdout);
  shown_.clear();
}

}  // namespace grader
