#include "support.hpp"

#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace self_test {
namespace {

struct Tried {
  std::uint64_t schedules = 0, steps = 0;
  double seconds = 0;

  void add(const explore::Result& result) {
    schedules += result.schedules;
    steps += result.steps;
    seconds += result.seconds;
  }
};
Tried tried;

class Environment : public testing::Environment {
 public:
  void SetUp() override {
    // From the first survives() on, an expectation that fails in a scenario ends its schedule.
    static_cast<void>(explore::survives([] {}, {.schedules = 1}));
  }
  void TearDown() override {
    std::printf("%llu schedules, %llu steps in %.1f s\n", static_cast<unsigned long long>(tried.schedules),
                static_cast<unsigned long long>(tried.steps), tried.seconds);
  }
};
[[maybe_unused]] const auto* const environment = testing::AddGlobalTestEnvironment(new Environment);

/// "file.cpp:12" for each line that ends in "// here", from the beginning of the caller's test on.
std::vector<std::string> marked_places(const std::source_location& caller) {
  std::vector<std::string> places;
  std::ifstream file(caller.file_name());
  const std::string name = std::filesystem::path(caller.file_name()).filename();
  std::string line;
  for (unsigned number = 1; number <= caller.line() && std::getline(file, line); ++number) {
    if (line.starts_with("TEST(")) places.clear();
    if (line.ends_with("// here")) places.push_back(name + ":" + std::to_string(number));
  }
  return places;
}

bool names(const std::string& report, const std::string& place) {
  for (std::size_t at = report.find(place); at != std::string::npos; at = report.find(place, at + 1)) {
    const std::size_t end = at + place.size();
    if (end == report.size() || !std::isdigit(static_cast<unsigned char>(report[end]))) return true;
  }
  return false;
}

}  // namespace

testing::AssertionResult finds(Failure wanted, void (*program)(), const Options& options,
                               std::source_location caller) {
  const explore::Result result = explore::explore(program, options);
  testing::Test::RecordProperty("schedules", std::to_string(result.schedules));
  if (result.failure != wanted)
    return testing::AssertionFailure() << "found: " << name(result.failure) << ", not " << name(wanted)
                                       << ", in " << result.schedules << " schedules.\n"
                                       << result.report;
  if (result.message.empty() || result.report.empty() || result.replay.empty())
    return testing::AssertionFailure() << "the failure is found, and nothing is said about it";
  for (const std::string& place : marked_places(caller))
    if (!names(result.report, place))
      return testing::AssertionFailure() << "the report does not name " << place << ":\n" << result.report;
  return testing::AssertionSuccess();
}

testing::AssertionResult finds_nothing(void (*program)(), std::uint64_t schedules) {
  Options options{.schedules = schedules, .spurious = 1, .timeouts = 1, .stale = 2};
  explore::Result result = explore::explore(program, options);
  tried.add(result);
  if (result.failure == Failure::none && result.schedules < schedules) {
    options.search = explore::Search::random;
    options.schedules -= result.schedules;
    result = explore::explore(program, options);
    tried.add(result);
  }
  if (result.failure == Failure::none) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "a false alarm, in schedule " << result.schedules << " (replay "
                                     << result.replay << "):\n"
                                     << result.report;
}

}  // namespace self_test
