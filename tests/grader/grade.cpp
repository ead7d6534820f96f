// The program `grade`: runs each test in a process of its own and says how it went. See grade --help.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "course.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "result_files.hpp"
#include "runner.hpp"
#include "sandbox.hpp"
#include "starter.hpp"
#include "submission.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace grader {
namespace {

std::vector<Chapter> load_chapters(const Options& options) {
  std::vector<Chapter> chapters;
  for (const std::string& binary : options.binaries) {
    Chapter chapter = load_chapter(binary, options.source);
    const auto known = std::ranges::find(chapters, chapter.id, &Chapter::id);
    if (known == chapters.end())
      chapters.push_back(std::move(chapter));
    else
      merge(*known, std::move(chapter));
  }
  return chapters;
}

/// Returns a result to be filled in for each test that the filter lets through, step by step.
/// @throws UsageError that lists the steps if there is none
std::vector<Result> select_tests(const std::vector<Chapter>& chapters, const std::string& filter) {
  std::vector<Result> selected;
  std::string steps;
  for (const Chapter& chapter : chapters) {
    for (const Step& step : chapter.steps) {
      steps += "\n  " + step.suite;
      for (const Test& test : chapter.tests)
        if (test.suite == step.suite && (filter.empty() || matches(filter, test)))
          selected.push_back({.chapter = &chapter, .test = &test, .outcome = {}});
    }
  }
  if (selected.empty()) throw UsageError("no test fits the filter " + filter + "; the steps are:" + steps);
  return selected;
}

/// Reads the headers of a submission, before they are compiled. What is found is no error of this command if
/// it is written to a file: whoever grades reads it there.
int inspect_all(const Options& options) {
  std::string refusals;
  for (const std::string& folder : options.inspect)
    for (const std::string& refusal : inspect(folder)) refusals += refusal + "\n";
  if (options.refused.empty()) {
    std::fputs(refusals.c_str(), stdout);
    return refusals.empty() ? 0 : 1;
  }
  if (refusals.empty())
    std::remove(options.refused.c_str());
  else
    write_file(options.refused, refusals);
  return 0;
}

int run(const Options& options) {
  if (!options.inspect.empty()) return inspect_all(options);
  const auto chapters = load_chapters(options);
  auto results = select_tests(chapters, options.filter);
  const Sandbox sandbox(options.isolation, options.limits);
  if (const std::string weakness = sandbox.weakness(); !weakness.empty())
    std::fprintf(stderr, "note: %s\n", weakness.c_str());

  const Terminal terminal = Terminal::detect();
  ProgressLine line(terminal);
  run_all(results, sandbox, options, [&](const Progress& progress) {
    if (!options.quiet) line.show(progress);
  });
  line.clear();
  if (options.starter) {
    bool passed = false;
    std::fputs(starter_report(results, *options.starter, passed).c_str(), stdout);
    return passed ? 0 : 1;
  }
  if (!options.quiet) write_diagrams(results);
  std::fputs(report(chapters, results, options, terminal).c_str(), stdout);
  if (!options.json.empty()) write_file(options.json, gradescope_json(results));
  if (!options.junit.empty()) write_file(options.junit, junit_xml(results));
  for (const Result& result : results)
    if (!result.outcome.passed()) return 1;
  return 0;
}

}  // namespace
}  // namespace grader

int main(int argc, char** argv) {
  try {
    const grader::Options options = grader::parse_options(argc, argv);
    if (options.help) return std::fputs(grader::usage().c_str(), stdout) < 0 ? 2 : 0;
    return grader::run(options);
  } catch (const grader::UsageError& error) {
    std::fprintf(stderr, "grade: %s\ngrade --help says more\n", error.what());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "grade: %s\n", error.what());
  }
  return 2;
}
