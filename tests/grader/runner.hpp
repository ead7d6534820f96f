#pragma once

#include <functional>
#include <vector>

#include "course.hpp"
#include "options.hpp"
#include "outcome.hpp"
#include "sandbox.hpp"

namespace grader {

/// A test, the chapter it belongs to, and what came of it.
struct Result {
  const Chapter* chapter = nullptr;
  const Test* test = nullptr;
  Outcome outcome;
};

/// How far the run is: who wants to show it gets this each time that a test starts or ends, and ten times a
/// second.
struct Progress {
  std::size_t done = 0;
  std::size_t all = 0;
  std::vector<const Result*> running;
};

/// Runs the tests of all `results`, several at once, and fills in their outcomes.
void run_all(std::vector<Result>& results, const Sandbox& sandbox, const Options& options,
             const std::function<void(const Progress&)>& show);

}  // namespace grader
