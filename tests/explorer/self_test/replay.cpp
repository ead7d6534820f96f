// What exploring finds is found again: by the same schedules, and in any other process by the replay.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "support.hpp"
#include "table_programs.hpp"

void self_test::check(bool holds) { EXPECT_TRUE(holds); }

namespace {

using self_test::Program;

constexpr int processes = 100;
constexpr const char* asked = "SELF_TEST_TELL";

std::string summary(const explore::Result& result) {
  return std::string(name(result.failure)) + ": " + result.message;
}

class Replay : public testing::TestWithParam<Program> {};

/// Runs just this test in a process of its own. @returns what that tells
std::string told_by_another_process(const std::string& replay) {
  const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string command = "GTEST_TOTAL_SHARDS=1 GTEST_SHARD_INDEX=0 EXPLORE_REPLAY=" + replay + " " +
                              asked + "=1 '" + std::filesystem::read_symlink("/proc/self/exe").string() +
                              "' --gtest_filter=" + test->test_suite_name() + "." + test->name() + " 2>&1";
  std::FILE* const output = popen(command.c_str(), "r");
  std::string all;
  for (int c = 0; output && (c = std::fgetc(output)) != EOF;) all += static_cast<char>(c);
  if (output) pclose(output);
  const std::size_t begin = all.find('{'), end = all.find('}');
  return end == std::string::npos ? all : all.substr(begin + 1, end - begin - 1);
}

TEST_P(Replay, FailsTheSameWayInAHundredProcesses) {
  const explore::Result found = explore::explore(GetParam().run);
  if (std::getenv(asked)) {
    std::printf("{%s}\n", summary(found).c_str());
    return;
  }
  ASSERT_NE(found.failure, explore::Failure::none);
  ASSERT_FALSE(found.replay.empty());
  for (int i = 0; i < processes; ++i) ASSERT_EQ(told_by_another_process(found.replay), summary(found));
}

TEST_P(Replay, IsFoundBySameSchedulesAgain) {
  const explore::Result first = explore::explore(GetParam().run), second = explore::explore(GetParam().run);
  EXPECT_EQ(first.schedules, second.schedules);
  EXPECT_EQ(first.steps, second.steps);
  EXPECT_EQ("2:" + first.replay, second.replay) << "it is the second scenario of this test";
  EXPECT_EQ(first.report, second.report);
  EXPECT_EQ(first.diagram, second.diagram);
}

INSTANTIATE_TEST_SUITE_P(TypicalBugs, Replay, testing::ValuesIn(self_test::typical_bugs()),
                         [](const auto& info) {
                           std::string name;
                           for (const char c : std::string(info.param.name)) {
                             if (std::isalnum(static_cast<unsigned char>(c))) name += c;
                           }
                           return name;
                         });

TEST(SameSchedules, WhateverTheSearch) {
  const auto program = [] {
    std::atomic<int> count = 0;
    const auto run = [&] {
      for (int i = 0; i < 3; ++i) ++count;
    };
    std::jthread a(run), b(run), c(run);
  };
  for (const auto search : {explore::Search::mixed, explore::Search::systematic, explore::Search::random,
                            explore::Search::priorities}) {
    const explore::Result first = explore::explore(program, {.search = search});
    const explore::Result second = explore::explore(program, {.search = search});
    EXPECT_EQ(first.failure, explore::Failure::none);
    EXPECT_EQ(first.schedules, second.schedules);
    EXPECT_EQ(first.steps, second.steps);
  }
}

}  // namespace
