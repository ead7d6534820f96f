#pragma once

#include <map>
#include <string>

#include "options.hpp"
#include "runner.hpp"

namespace grader {

/// Adds up what the tests of each chapter have taken, so that one chapter cannot keep the others waiting.
class Costs {
 public:
  explicit Costs(const Limits& limits) : limits_(limits) {}

  /// Adds a test that has run.
  void add(const Result& result);

  /// Says why a test need not be run; empty if it should be.
  [[nodiscard]] std::string objection(const Result& result) const;

 private:
  const Limits& limits_;
  std::map<const Chapter*, double> seconds_;
  std::map<std::string, int> never_began_;         // of a program
  std::map<const Chapter*, int> none_of_chapter_;  // the same, of all programs of the chapter
};

}  // namespace grader
