// What tests call: exploring, as GoogleTest's assertions.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "explore.hpp"
#include "runtime/scenario.hpp"

/// The grader's ears, in tests/support/main.cpp.
extern "C" void grader_not_written(const char* message);
extern "C" void grader_note(const char* text);
extern "C" void grader_diagram(const char* svg);

namespace explore {
namespace {

/// An expectation that fails in a scenario ends the schedule at once.
class StopAtFailure : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (!part.failed() || !active()) return;
    const std::string file = std::filesystem::path(part.file_name() ? part.file_name() : "?").filename();
    runtime::fail_check(file + ":" + std::to_string(part.line_number()), part.summary());
  }
};

void listen() {
  static const bool once = [] {
    testing::UnitTest::GetInstance()->listeners().Append(new StopAtFailure);
    return true;
  }();
  static_cast<void>(once);
}

/// "make 01", as the folder of this program tells: …/01_pooling/explored.
std::string make_command() {
  const std::string chapter = std::filesystem::path(program_invocation_name).parent_path().filename();
  return "make " + (chapter.find('_') == 2 ? chapter.substr(0, 2) : "…");
}

std::string test_name() {
  const testing::TestInfo* const test = testing::UnitTest::GetInstance()->current_test_info();
  return test ? std::string(test->test_suite_name()) + "." + test->name() : "…";
}

std::string whole(const Result& result) {
  return result.report + "\nThat was schedule " + std::to_string(result.schedules) +
         ". Just this one again:\n  " + make_command() + " REPLAY=" + result.replay +
         " \\\n    FILTER=" + test_name() + "\n";
}

}  // namespace

testing::AssertionResult survives(void (*scenario)(), const Options& options) {
  listen();
  const Result result = explore(scenario, options);
  if (result.failure == Failure::none) {
    testing::Test::RecordProperty("schedules", std::to_string(result.schedules));
    return testing::AssertionSuccess();
  }
  if (result.failure == Failure::not_written) {
    grader_not_written(result.message.c_str());
    return testing::AssertionFailure() << result.message;
  }
  grader_diagram(result.diagram.c_str());
  return testing::AssertionFailure() << whole(result);
}

testing::AssertionResult breaks(Failure wanted, void (*scenario)(), const Options& options) {
  listen();
  const Result result = explore(scenario, options);
  if (result.failure == Failure::not_written) {
    grader_not_written(result.message.c_str());
    return testing::AssertionFailure() << result.message;
  }
  if (result.failure == Failure::none)
    return testing::AssertionFailure() << "nothing goes wrong in " << result.schedules
                                       << (result.schedules == 1 ? " schedule" : " schedules") << "; a "
                                       << name(wanted) << " was to be found";
  grader_diagram(result.diagram.c_str());
  if (result.failure != wanted)
    return testing::AssertionFailure() << "something else than a " << name(wanted) << " goes wrong.\n"
                                       << whole(result);
  grader_note(("Found, as it was to be:\n" + whole(result)).c_str());
  return testing::AssertionSuccess();
}

}  // namespace explore
