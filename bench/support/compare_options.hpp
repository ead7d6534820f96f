#pragma once

#include <chrono>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "compare_filter.hpp"
#include "compare_requirement.hpp"
#include "compare_rows.hpp"

namespace bench {

inline constexpr std::string_view compare_usage =
    R"(Usage: compare [OPTION]... LABEL=PROGRAM...

Runs bench programs in turn, row by row and round by round, and prints the
medians of their times per item against the baseline of each group: the variant
called `sequential`, else the first. Rows are called `group/variant`.

  --rounds N        how often each row is measured (default 5)
  --min-time S      for how many seconds each time (default 0.1)
  --limit S         a row that takes longer has failed (default 60)
  --filter REGEX    only the rows whose names match
  --require 'ROW vs ROW >= N'
                    exit with 1 unless the first is N times as fast as the
                    second; may be given several times; a row of one program
                    is written LABEL:ROW
  --smoke           run each row once, shortly; exit with 1 if one fails
  --json FILE       write all that was measured
  --svg FILE        write a bar chart
  --title TEXT      its title
  --help            print this
)";

/// What the command line of `compare` asks for.
struct Options {
  int rounds = 5;
  std::chrono::duration<double> min_time{0.1};
  std::chrono::duration<double> limit{60};
  Filter filter;
  std::vector<Requirement> requirements;
  bool smoke = false;
  bool help = false;
  std::string json, svg, title = "Benchmarks";
  std::vector<Program> programs;

  /// @param arguments without the program's name
  /// @throws std::invalid_argument that says what is wrong with them
  static Options parse(std::span<const std::string> arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      const auto value = [&]() -> const std::string& {
        if (i + 1 == arguments.size()) throw std::invalid_argument(argument + " needs a value");
        return arguments[++i];
      };
      const auto number = [&] { return positive(argument, value()); };
      if (argument == "--help")
        options.help = true;
      else if (argument == "--smoke")
        options.smoke = true;
      else if (argument == "--rounds")
        options.rounds = static_cast<int>(number());
      else if (argument == "--min-time")
        options.min_time = std::chrono::duration<double>(number());
      else if (argument == "--limit")
        options.limit = std::chrono::duration<double>(number());
      else if (argument == "--filter")
        options.filter = Filter(value());
      else if (argument == "--require")
        options.requirements.push_back(Requirement::parse(value()));
      else if (argument == "--json")
        options.json = value();
      else if (argument == "--svg")
        options.svg = value();
      else if (argument == "--title")
        options.title = value();
      else if (argument.starts_with("-"))
        throw std::invalid_argument("unknown option " + argument);
      else
        options.programs.push_back(program(argument));
    }
    if (options.help) return options;
    if (options.programs.empty()) throw std::invalid_argument("no program to run");
    if (options.rounds < 1) throw std::invalid_argument("--rounds must be at least 1");
    if (options.smoke && !options.requirements.empty())
      throw std::invalid_argument("--smoke measures nothing that --require could check");
    if (options.smoke) options.rounds = 1, options.min_time = std::chrono::milliseconds(1);
    return options;
  }

 private:
  static double positive(const std::string& option, const std::string& text) {
    std::size_t read = 0;
    double number = 0;
    try {
      number = std::stod(text, &read);
    } catch (const std::logic_error&) {
    }
    if (read != text.size() || !(number > 0) || number > 1e6)
      throw std::invalid_argument(option + " wants a positive number, not '" + text + "'");
    return number;
  }

  static Program program(const std::string& argument) {
    const auto equals = argument.find('=');
    if (equals == 0 || equals == argument.npos || equals + 1 == argument.size())
      throw std::invalid_argument("a program is given as LABEL=PROGRAM, not '" + argument + "'");
    return {argument.substr(0, equals), argument.substr(equals + 1)};
  }
};

}  // namespace bench
