#pragma once

#include <string>
#include <vector>

namespace grader {

struct Test {
  std::string suite;        ///< Step2_ThreadPool
  std::string name;         ///< WorkersStartLazily
  int line = 0;             ///< in `source`
  std::string source = {};  ///< tests/01_pooling/step2_waiting_test.cpp
  std::string binary = {};  ///< the program that runs it, as on the command line

  [[nodiscard]] std::string full_name() const { return suite + "." + name; }
};

/// A suite of tests, which is a step of the lesson.
struct Step {
  int number = 0;     ///< 0 if the suite is not called StepN_…
  std::string suite;  ///< Step2_ThreadPool
  std::string title;  ///< ThreadPool

  [[nodiscard]] std::string label() const {
    return number > 0 ? "Step " + std::to_string(number) + " " + title : title;
  }
};

/// The tests of one chapter, as the sources list them, and the problems with its binaries.
struct Chapter {
  std::string id;  ///< 01_pooling
  std::vector<Step> steps;
  std::vector<Test> tests;         ///< in the order of the sources: all of them must pass
  std::vector<std::string> notes;  ///< remarks on how they were built, for the report
  std::string problem;             ///< the reason why no test can run: "does not compile", …; else empty
  std::string explanation;         ///< details of the problem, for the report

  [[nodiscard]] std::string lesson() const { return "chapters/" + id + "/README.md"; }
  [[nodiscard]] std::string lesson(const Step& step) const;
};

/// Returns the tests that a source defines. The binary is not asked, because a submission could hide some
/// there.
std::vector<Test> tests_in(std::string_view source);

std::vector<Step> steps_of(const std::vector<Test>& tests);

/// Loads the chapter of a test binary, which is named after the binary's folder, with the tests in its
/// source.
/// @param source the test's source; if empty, tests/<that folder>/<the binary's name>.cpp
/// @param built false if the binary need not be there yet
/// @throws std::runtime_error if the source is not there or defines no test
Chapter load_chapter(const std::string& binary, std::string source, bool built = true);

/// Adds the tests of another binary of the same chapter.
void merge(Chapter& chapter, Chapter other);

/// True if a pattern, with * and ?, fits the test's suite, name or both. `pattern` may hold several,
/// separated by ':'.
bool matches(const std::string& pattern, const Test& test);

}  // namespace grader
