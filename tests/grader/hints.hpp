#pragma once

#include <string>
#include <vector>

#include "runner.hpp"

namespace grader {

/// A known mistake: the head of a patch in tests/NN_name/mutants.
struct Mistake {
  std::string name;                    ///< busy_wait
  std::string text;                    ///< the hint, or else what is wrong, as a sentence for the learner
  std::vector<std::string> caught_by;  ///< the tests that fail, "Suite.Name"
};

/// Reads the head of a patch: `# What is wrong`, `# Hint: …`, `# Caught by: Suite.Name, …`,
/// `# Also fails: …`.
Mistake mistake_in(const std::string& name, const std::string& patch);

/// Reads all mistakes that are known of a chapter, in the order of their names.
std::vector<Mistake> mistakes_of(const std::string& chapter);

/// Returns those that fail the test, most likely first: those whose tests are most like those that fail.
std::vector<Mistake> likely_mistakes(const std::vector<Mistake>& known, const std::string& test,
                                     const std::vector<std::string>& failing);

/// Returns the hint for the first test of the results that fails, in words for the terminal. `told` is a file
/// that remembers which hints this test has had: the next call gives the next one.
std::string next_hint(const std::vector<Result>& results, const std::string& told, const std::string& again,
                      std::size_t width = 80);

/// Adds to each test that fails the likeliest hint, for the result files.
void add_hints(std::vector<Result>& results);

}  // namespace grader
