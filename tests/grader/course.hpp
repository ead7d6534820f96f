#pragma once

#include <string>
#include <vector>

namespace grader {

struct Test {
  std::string suite;        ///< Step2_ThreadPool
  std::string name;         ///< WorkersStartLazily
  int line = 0;             ///< in `source`
  std::string source = {};  ///< tests/01_pooling/step2_waiting_test.cpp
  std::string binary = {};  ///< what runs it, as on the command line

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

/// The test binaries of one chapter, and what the repository knows about them.
struct Chapter {
  std::string id;  ///< 01_pooling
  std::vector<Step> steps;
  std::vector<Test> tests;         ///< in the order of the sources: all of them must pass
  std::vector<std::string> notes;  ///< what is to be said about how they were built
  std::string problem;             ///< why no test can be run: "does not compile", …; empty if they can
  std::string explanation;         ///< what to show about the problem

  [[nodiscard]] std::string lesson() const { return "chapters/" + id + "/README.md"; }
  [[nodiscard]] std::string lesson(const Step& step) const;
};

/// The tests that a source defines. They are looked up here and not in the binary, where a submission could
/// hide some.
std::vector<Test> tests_in(std::string_view source);

std::vector<Step> steps_of(const std::vector<Test>& tests);

/// Loads what a test binary is about: its chapter is the folder in which it lies.
/// @param source the test's source; empty: tests/<that folder>/<the binary's name>.cpp
/// @throws std::runtime_error if the source is not there or defines no test
Chapter load_chapter(const std::string& binary, std::string source);

/// Adds the tests of another binary of the same chapter.
void merge(Chapter& chapter, Chapter other);

/// Does `pattern`, with * and ?, fit the test's suite, name or both? Patterns are separated by ':'.
bool matches(const std::string& pattern, const Test& test);

}  // namespace grader
