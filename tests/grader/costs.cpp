#include "costs.hpp"

#include <algorithm>

namespace grader {
namespace {

// A program that hangs before its first test will do so again; and so will the others of a chapter, if they
// share what hangs.
constexpr int enough_of_program = 2, enough_of_chapter = 6;

}  // namespace

void Costs::add(const Result& result) {
  const Outcome& outcome = result.outcome;
  const std::chrono::duration<double> time = limits_.time;
  // What a test takes beyond its time, it has waited for a processor that other programs kept busy.
  seconds_[result.chapter] += std::min(outcome.seconds, time.count());
  const std::chrono::duration<double> long_time = time / 2;
  if (outcome.began || outcome.seconds < long_time.count()) return;
  ++never_began_[result.test->binary];
  ++none_of_chapter_[result.chapter];
}

std::string Costs::objection(const Result& result) const {
  const auto count = [](const auto& counts, const auto& key) {
    const auto found = counts.find(key);
    return found == counts.end() ? 0 : found->second;
  };
  if (count(never_began_, result.test->binary) >= enough_of_program)
    return "its program hangs before a test begins";
  if (count(none_of_chapter_, result.chapter) >= enough_of_chapter)
    return "the chapter's programs hang before a test begins";
  const std::chrono::duration<double> budget = limits_.chapter_time();
  if (count(seconds_, result.chapter) >= budget.count())
    return "the tests before it took " + time_text(limits_.chapter_time()) + ", which is the chapter's limit";
  return "";
}

}  // namespace grader
