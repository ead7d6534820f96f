// The program `grade`: runs each test in a process of its own and says how it went. See grade --help.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "course.hpp"
#include "hints.hpp"
#include "objects.hpp"
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
    Chapter chapter = load_chapter(binary, options.source, !options.not_yet);
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
          selected.push_back({&chapter, &test, {.summary = "not run: the grading was cut off before it"}});
    }
  }
  if (selected.empty()) throw UsageError("no test fits the filter " + filter + "; the steps are:" + steps);
  return selected;
}

/// Writes the results into files as they come, so that a run that is cut off leaves what is known.
class ResultFiles {
 public:
  ResultFiles(const Options& options, const std::vector<Result>& results)
      : options_(options), results_(results) {}

  void write() {
    if (!options_.json.empty()) write_file(options_.json, gradescope_json(results_));
    if (!options_.junit.empty()) write_file(options_.junit, junit_xml(results_));
    written_ = Clock::now();
  }
  void write_sometimes() {
    if (Clock::now() - written_ >= std::chrono::seconds(1)) write();
  }

 private:
  using Clock = std::chrono::steady_clock;
  const Options& options_;
  const std::vector<Result>& results_;
  Clock::time_point written_;
};

/// Runs the tests suite by suite, up to the first in which one does not pass, and keeps the results so far.
void run_to_first_failure(std::vector<Result>& results, const Sandbox& sandbox, const Options& options,
                          const std::function<void(const Progress&)>& show) {
  std::vector<Result> rest = std::exchange(results, {});
  const auto passed = [](const Result& result) { return result.outcome.passed(); };
  while (!rest.empty() && std::ranges::all_of(results, passed)) {
    const auto end = std::ranges::find_if(rest, [first = rest.front()](const Result& result) {
      return result.chapter != first.chapter || result.test->suite != first.test->suite;
    });
    std::vector<Result> suite(rest.begin(), end);
    rest.erase(rest.begin(), end);
    run_all(suite, sandbox, options, show);
    results.insert(results.end(), suite.begin(), suite.end());
  }
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

/// Looks at what was compiled. @returns 1 if a function is called that may not be
int inspect_object(const Options& options) {
  std::string refusals;
  for (const std::string& call : foreign_calls(options.object)) refusals += clean(call) + "\n";
  std::fputs(refusals.c_str(), stdout);
  return refusals.empty() ? 0 : 1;
}

int run(const Options& options) {
  if (!options.object.empty()) return inspect_object(options);
  if (!options.inspect.empty()) return inspect_all(options);
  const auto chapters = load_chapters(options);
  auto results = select_tests(chapters, options.filter);
  ResultFiles files(options, results);
  if (options.not_yet) return files.write(), 0;
  const Sandbox sandbox(options.isolation, options.limits);
  if (const std::string weakness = sandbox.weakness(); !weakness.empty())
    std::fprintf(stderr, "note: %s\n", weakness.c_str());

  const Terminal terminal = Terminal::detect();
  ProgressLine line(terminal);
  const auto show = [&](const Progress& progress) {
    if (!options.quiet) line.show(progress);
    files.write_sometimes();
  };
  // A hint is for the first step that is not finished: what stands behind it need not run.
  (options.hint.empty() ? run_all : run_to_first_failure)(results, sandbox, options, show);
  line.clear();
  if (options.starter) {
    bool passed = false;
    std::fputs(starter_report(results, *options.starter, options.rebuilds, passed).c_str(), stdout);
    return passed ? 0 : 1;
  }
  if (!options.hint.empty()) {
    std::fputs(next_hint(results, options.hint, options.again, terminal.width).c_str(), stdout);
    return 0;
  }
  if (options.hints) add_hints(results);
  if (!options.quiet) write_diagrams(results);
  std::fputs(report(chapters, results, options, terminal).c_str(), stdout);
  files.write();
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
