#pragma once

#include <string>
#include <vector>

#include "course.hpp"
#include "options.hpp"
#include "runner.hpp"
#include "terminal.hpp"

namespace grader {

/// Counts the tests of a step, of a chapter or of all.
struct Tally {
  std::size_t passed = 0;
  std::size_t not_written = 0;
  std::size_t all = 0;

  void add(const Outcome& outcome) {
    passed += outcome.passed();
    not_written += outcome.verdict == Verdict::not_written;
    ++all;
  }
  [[nodiscard]] bool done() const { return passed == all; }
  [[nodiscard]] bool untouched() const { return not_written == all && all > 0; }
};

/// Returns the report for people, ready to print.
std::string report(const std::vector<Chapter>& chapters, const std::vector<Result>& results,
                   const Options& options, const Terminal& terminal);

}  // namespace grader
