#include "starter.hpp"

#include <algorithm>

namespace grader {
namespace {

int step_of(const Result& result) {
  const auto& steps = result.chapter->steps;
  return std::ranges::find(steps, result.test->suite, &Step::suite)->number;
}

/// Says what is wrong with the outcome of a starter's test; empty if nothing is.
std::string complaint(const Result& result, int solved) {
  const Outcome& outcome = result.outcome;
  const int step = step_of(result);
  if (step <= solved) return outcome.passed() ? "" : "should pass: its step is written; " + outcome.summary;
  if (outcome.passed()) return "passes, though its step is not written";
  if (outcome.verdict != Verdict::not_written) return "does not say what is not written: " + outcome.summary;
  const std::string lesson = result.chapter->lesson() + "#step-" + std::to_string(solved + 1);
  if (step == solved + 1 && !outcome.summary.ends_with(lesson))
    return "does not lead to " + lesson + ": " + outcome.summary;
  return "";
}

}  // namespace

std::string starter_report(const std::vector<Result>& results, int solved, bool rebuilds, bool& passed) {
  std::string text;
  std::size_t wrong = 0;
  if (rebuilds && std::ranges::none_of(results, [&](const Result& result) {
        return step_of(result) == solved + 1 && result.outcome.verdict == Verdict::failed;
      })) {
    ++wrong;
    text += "✘ no test of step " + std::to_string(solved + 1) + " asks for what it builds anew\n";
  }
  for (const Result& result : results) {
    if (rebuilds && step_of(result) == solved + 1) continue;
    const std::string why = complaint(result, solved);
    if (why.empty()) continue;
    ++wrong;
    text += "✘ " + result.chapter->id + " with " + std::to_string(solved) +
            " steps written: " + result.test->full_name() + " " + why + "\n";
  }
  passed = wrong == 0;
  return text + std::to_string(results.size() + (rebuilds ? 1 : 0) - wrong) + " passed, " +
         std::to_string(wrong) + " failed\n";
}

}  // namespace grader
