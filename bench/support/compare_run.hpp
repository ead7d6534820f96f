#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "compare_child.hpp"
#include "compare_options.hpp"
#include "compare_rows.hpp"
#include "timeline/time_text.hpp"
#include "timeline/utf8.hpp"

namespace bench {

/// Where a run stands, as a line; an empty one at its end.
using Progress = std::function<void(const std::string& line)>;

/// Asks the programs for their rows, and keeps those that match the filter. A program that fails gets its
/// error.
inline std::vector<Row> list_rows(Options& options) {
  std::vector<Row> rows;
  for (Program& program : options.programs) {
    const Child child = run_child({program.path, "--benchmark_list_tests=true"}, options.limit);
    program.error = child.error;
    std::istringstream lines(child.out);
    for (std::string name; child.error.empty() && std::getline(lines, name);)
      if (options.filter.matches(plain_name(name))) rows.push_back({&program, name});
  }
  return rows;
}

namespace detail {

/// A regular expression that matches `name` alone.
inline std::string exactly(std::string_view name) {
  std::string pattern = "^";
  for (const char c : name) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern + "$";
}

/// Runs a row once, in a process of its own, and notes its time or its error.
inline void measure(Row& row, const Options& options) {
  const Child child = run_child({row.program->path, "--rows", "--benchmark_filter=" + exactly(row.full_name),
                                 "--benchmark_min_time=" + concurrent::fixed(options.min_time.count(), 4)},
                                options.limit);
  row.error = child.error;
  if (!row.error.empty()) return;
  double time = 0;
  if (std::istringstream(child.out) >> time && time > 0)
    row.times.push_back(Nanoseconds(time));
  else
    row.error = "printed no time";
}

}  // namespace detail

/// Measures all rows. What is to be compared is measured close together in time: a round goes through a
/// group's rows one by one, and the next round in the other direction, so that neither a busy moment nor a
/// slow drift of the machine favours one of them.
inline void measure_rows(std::vector<Row>& rows, const Options& options, const Progress& progress) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto total = static_cast<double>(rows.size()) * options.rounds;
  double done = 0;
  std::vector<Group> groups = groups_of(rows);
  for (int round = 1; round <= options.rounds; ++round) {
    for (Group& group : groups) {
      for (Row* row : group.rows) {
        const std::chrono::duration<double> elapsed = Clock::now() - start;
        std::string left;
        if (done > 0) left = ", " + concurrent::fixed(elapsed.count() / done * (total - done), 0) + " s left";
        progress("round " + std::to_string(round) + "/" + std::to_string(options.rounds) + left + ": " +
                 row->name + " (" + row->program->label + ")");
        if (row->error.empty()) detail::measure(*row, options);
        ++done;
      }
      std::ranges::reverse(group.rows);
    }
  }
  progress("");
}

}  // namespace bench
