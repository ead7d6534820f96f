#pragma once

#include <functional>
#include <vector>

#include "course.hpp"
#include "options.hpp"
#include "outcome.hpp"
#include "sandbox.hpp"

namespace grader {

/// A test, its chapter and its outcome.
struct Result {
  const Chapter* chapter = nullptr;
  const Test* test = nullptr;
  Outcome outcome;
};

/// The progress of a run, passed to a callback when a test starts or ends, and ten times a second.
struct Progress {
  std::size_t done = 0;
  std::size_t all = 0;
  std::vector<const Result*> running;
};

/// Runs the tests of all `results`, several at once, and fills in their outcomes.
void run_all(std::vector<Result>& results, const Sandbox& sandbox, const Options& options,
             const std::function<void(const Progress&)>& show);

}  // namespace grader
