#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "compare_json.hpp"
#include "compare_options.hpp"
#include "compare_requirement.hpp"
#include "compare_rows.hpp"
#include "compare_run.hpp"
#include "compare_svg.hpp"
#include "compare_table.hpp"
#include "timeline/utf8.hpp"
#include "timeline/write_file.hpp"

namespace bench {

/// Where the program `compare` writes.
struct Console {
  std::ostream& out;
  std::ostream& err;
  bool colour = false;
  Progress progress = [](const std::string&) {};
};

namespace detail {

/// What went wrong, once each: programs that did not start, and the messages of rows.
inline void report_failures(const Options& options, const std::vector<Row>& rows, std::ostream& out) {
  std::vector<std::string> lines;
  const auto add = [&](const Program& program, const std::string& error) {
    const std::string line = "✘ " + program.label + ": " + concurrent::printable(error) + "\n";
    if (!error.empty() && std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
  };
  for (const Program& program : options.programs) add(program, program.error);
  for (const Row& row : rows) add(*row.program, row.error);
  for (const std::string& line : lines) out << line;
}

inline int compare(Options options, const Console& console) {
  std::vector<Row> rows = list_rows(options);
  const bool all_listed = std::ranges::all_of(options.programs, &std::string::empty, &Program::error);
  if (rows.empty() && all_listed) throw std::invalid_argument("no row matches the filter");
  measure_rows(rows, options, console.progress);

  const std::vector<Group> groups = groups_of(rows);
  const auto measured = std::ranges::count_if(rows, &Row::measured);
  if (options.smoke)
    console.out << measured << " rows run, " << std::ssize(rows) - measured << " failed\n";
  else
    Table(console.out, options.programs.size() > 1, console.colour).print(groups);
  report_failures(options, rows, console.out);
  bool met = true;
  for (const Requirement& requirement : options.requirements) met &= requirement.check(rows, console.out);
  if (!options.json.empty()) concurrent::write_file(options.json, results_json(groups, options));
  if (!options.svg.empty())
    concurrent::write_file(options.svg, Chart(groups, options.programs, options.title).str());
  if (options.smoke) return all_listed && measured == std::ssize(rows) ? 0 : 1;
  return met && measured > 0 ? 0 : 1;
}

}  // namespace detail

/// The program `compare`: see compare_usage.
/// @param arguments without the program's name
/// @returns its exit status
inline int compare(std::span<const std::string> arguments, const Console& console) try {
  Options options = Options::parse(arguments);
  if (!options.help) return detail::compare(std::move(options), console);
  console.out << compare_usage;
  return 0;
} catch (const std::invalid_argument& error) {
  console.err << "compare: " << error.what() << " (--help tells more)\n";
  return 2;
} catch (const std::exception& error) {
  console.err << "compare: " << error.what() << '\n';
  return 1;
}

}  // namespace bench
