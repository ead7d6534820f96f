// Hints: what is read from mutants, which come first, and which were told.

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "../hints.hpp"
#include "../result_files.hpp"
#include "../text.hpp"

namespace {

using grader::Mistake;

std::vector<std::string> names_of(const std::vector<Mistake>& mistakes) {
  std::vector<std::string> names;
  for (const Mistake& mistake : mistakes) names.push_back(mistake.name);
  return names;
}

TEST(Hints, AMistakeIsTheHeadOfAPatch) {
  const Mistake plain =
      grader::mistake_in("m", "# It is wrong.\n# Caught by: A.B, C.D,E.F\n--- a/x\n# Caught by: G.H\n");
  EXPECT_EQ(plain.text, "A known mistake that fails this test: It is wrong.");
  EXPECT_EQ(plain.caught_by, (std::vector<std::string>{"A.B", "C.D", "E.F"}));
  EXPECT_EQ(grader::mistake_in("m", "# It is wrong.\n# Hint: Look.\n# Caught by: A.B\n").text, "Look.");
  EXPECT_EQ(grader::mistake_in("m", "# It is wrong.\n# Caught by: A.B\n# Also fails: C.D, E.F\n").caught_by,
            plain.caught_by);
}

TEST(Hints, ThoseWhosePatternIsMostLikeTheFailuresComeFirst) {
  const std::vector<Mistake> known{
      {"one", "", {"A"}}, {"other", "", {"B"}}, {"both", "", {"A", "B"}}, {"many", "", {"A", "B", "C", "D"}}};
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_of(grader::likely_mistakes(known, "A", {"A"})), (Names{"one", "both", "many"}));
  EXPECT_EQ(names_of(grader::likely_mistakes(known, "A", {"A", "B"})), (Names{"both", "one", "many"}));
  EXPECT_EQ(names_of(grader::likely_mistakes(known, "A", {"A", "B", "C", "D"})),
            (Names{"many", "both", "one"}));
  EXPECT_EQ(names_of(grader::likely_mistakes(known, "E", {"A"})), Names{});
}

/// A chapter with a test that two mutants of chapter 00 fail, and one behind it.
struct Failing : testing::Test {
  Failing() {
    chapter.id = "00_baseline";
    chapter.tests = {{.suite = "Step1_Measure", .name = "WaitingTakesWallTimeAndNoProcessorTime"},
                     {.suite = "Step3_Speedup", .name = "AmdahlsLimits"}};
    chapter.steps = grader::steps_of(chapter.tests);
    for (const grader::Test& test : chapter.tests)
      results.push_back({&chapter, &test, {.summary = "failed"}});
    std::remove(told);
  }
  std::string hint() const { return grader::next_hint(results, told, "make 00"); }
  const char* told = "build/hints_test";
  grader::Chapter chapter;
  std::vector<grader::Result> results;
};

TEST_F(Failing, TheSameCommandTellsTheNext) {
  const std::string first = hint(), second = hint();
  EXPECT_TRUE(first.starts_with("Step 1 Measure: waiting takes wall time and no processor time\n  "))
      << first;
  EXPECT_NE(first.find("Hint 1 of 2: the same command tells the next."), std::string::npos) << first;
  EXPECT_NE(second.find("Hint 2 of 2, the last: the same command begins again."), std::string::npos)
      << second;
  EXPECT_NE(first.substr(0, first.find("Hint 1")), second.substr(0, second.find("Hint 2")));
  EXPECT_EQ(hint(), first) << "after the last comes the first";
}

TEST_F(Failing, TheOnlyHintSaysThatItIs) {
  chapter.tests[0].name = "TheChoiceOfClocks";
  results[0].outcome.verdict = grader::Verdict::passed;
  const std::string only = hint();
  EXPECT_TRUE(only.starts_with("Step 3 Speedup: amdahls limits\n")) << only;
  EXPECT_NE(only.find("It is the only hint"), std::string::npos) << only;
}

TEST_F(Failing, OtherFailuresBeginAnew) {
  const std::string first = hint();
  results[0].outcome.verdict = grader::Verdict::passed;
  EXPECT_TRUE(hint().starts_with("Step 3 Speedup: amdahls limits\n"));
  results[0].outcome.verdict = grader::Verdict::failed;
  EXPECT_EQ(hint(), first);
  hint();
  chapter.tests.push_back({.suite = "Step1_Measure", .name = "SomethingElse"});
  results = {};
  for (const grader::Test& test : chapter.tests) results.push_back({&chapter, &test, {.summary = "failed"}});
  EXPECT_EQ(hint(), first) << "another test fails too, so it is another mistake";
}

TEST_F(Failing, ATestThatNoKnownMistakeFailsIsPassedOverInItsStep) {
  chapter.tests[1].suite = "Step1_Measure";
  chapter.tests[1].name = chapter.tests[0].name;
  chapter.tests[0].name = "SomethingElse";
  chapter.steps = grader::steps_of(chapter.tests);
  EXPECT_TRUE(hint().starts_with("Step 1 Measure: waiting takes wall time")) << hint();
  chapter.tests[1].name = "SomethingElseAgain";
  EXPECT_TRUE(hint().starts_with("Step 1 Measure: something else\n  No mistake is known")) << hint();
}

TEST_F(Failing, TheFirstUnfinishedStepCounts) {
  chapter.tests[0].name = "SomethingElse";
  EXPECT_TRUE(hint().starts_with("Step 1 Measure: something else\n  No mistake is known")) << hint();
  results[0].outcome = {.verdict = grader::Verdict::not_written, .summary = "1.1 is not written"};
  EXPECT_EQ(hint(), "What is written passes its tests. What comes next: 1.1 is not written\n")
      << "what fails behind it may do so because of that";
}

TEST_F(Failing, ADataRaceOfWhichNothingIsKnownStillHasAHint) {
  chapter.tests[0].name = "SomethingElse";
  results[0].outcome.summary = "failed: data race: thread 2 writes what thread 1 reads";
  const std::string only = hint();
  EXPECT_TRUE(only.starts_with("Step 1 Measure: something else\n  Two threads touch the same thing")) << only;
  chapter.tests[0].name = "WaitingTakesWallTimeAndNoProcessorTime";
  EXPECT_NE(hint().find("Hint 1 of 3"), std::string::npos) << "behind those that are known of the test";
}

TEST_F(Failing, WhatIsNotWrittenIsNoMistake) {
  for (auto& result : results)
    result.outcome = {.verdict = grader::Verdict::not_written, .summary = "1.1 is not written"};
  EXPECT_EQ(hint(), "What is written passes its tests. What comes next: 1.1 is not written\n");
  for (auto& result : results) result.outcome.verdict = grader::Verdict::passed;
  EXPECT_EQ(hint(), "All tests pass: there is nothing to hint at.\n");
  for (auto& result : results) result.outcome.verdict = grader::Verdict::failed;
}

TEST_F(Failing, WhatDoesNotCompileIsToldInsteadOfAHint) {
  chapter.problem = "does not compile";
  chapter.explanation = "chapters/00_baseline/measure.hpp:7: no such thing";
  EXPECT_TRUE(hint().starts_with(
      "00_baseline does not compile:\n  chapters/00_baseline/measure.hpp:7: no such thing\n"))
      << hint();
  EXPECT_NE(hint().find("Mend that first"), std::string::npos) << hint();
}

TEST_F(Failing, TheResultFilesCanCarryThem) {
  EXPECT_EQ(grader::gradescope_json(results).find("Hint: "), std::string::npos);
  grader::add_hints(results);
  EXPECT_NE(grader::gradescope_json(results).find("Hint: "), std::string::npos);
  EXPECT_NE(grader::junit_xml(results).find("Hint: "), std::string::npos);
}

TEST(Hints, EveryMutantHasOne) {
  for (const auto& folder : std::filesystem::directory_iterator("tests")) {
    const std::string chapter = folder.path().filename();
    for (const Mistake& mistake : grader::mistakes_of(chapter)) {
      EXPECT_FALSE(mistake.text.starts_with("A known mistake")) << chapter << "/" << mistake.name;
      EXPECT_FALSE(mistake.caught_by.empty()) << chapter << "/" << mistake.name;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  const auto& all = *testing::UnitTest::GetInstance();
  std::cout << all.successful_test_count() << " passed, " << all.failed_test_count() << " failed\n";
  return status;
}
