// The grader's own test: what it makes of tests that fail, cheat, crash, hang or leave something behind.
// `grader_test GRADE FOLDER [grade's options…]`, from the repository's root; build.sh fills the
// folder.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "../costs.hpp"
#include "../course.hpp"
#include "../options.hpp"
#include "../result_files.hpp"
#include "../symbols.hpp"
#include "../text.hpp"
#include "belongings.hpp"

namespace {

std::string grade, folder, options;

struct Ran {
  int status = 0;
  std::string text;
};

Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  char buffer[4096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    ran.text.append(buffer, got);
  ran.status = WEXITSTATUS(pclose(pipe));
  return ran;
}

/// A file of an earlier run is not to be taken for this one's.
std::string fresh(const std::string& path) {
  std::remove(path.c_str());
  return path;
}

/// Reads the verdict on each test from a JUnit file: the message of its failure, or "passed".
std::map<std::string, std::string> verdicts(const std::string& xml) {
  std::map<std::string, std::string> found;
  static const std::regex one(
      R"re(<testcase classname="[^".]*\.([^"]*)" name="([^"]*)"[^>]*?(/>|>\s*<failure message="([^"]*)"))re");
  for (std::sregex_iterator match(xml.begin(), xml.end(), one), end; match != end; ++match)
    found[match->str(1) + "." + match->str(2)] = match->str(3) == "/>" ? "passed" : match->str(4);
  return found;
}

/// All that the self-test's submissions do, graded in one go.
const std::map<std::string, std::string>& misbehaviour() {
  static const auto all = [] {
    const std::string results = fresh(folder + "/misbehaviour.xml");
    setenv("FORGERY_RESULTS", results.c_str(), 1);
    const Ran ran = run(
        grade + options +
        " --time 4s --memory 256M --jobs 4 --source tests/grader/self_test/misbehaviour_test.cpp --junit " +
        results + " " + folder + "/misbehaviour_test");
    EXPECT_EQ(ran.status, 1) << ran.text;
    EXPECT_TRUE(std::regex_search(ran.text, std::regex(R"(\n\d+ passed, \d+ failed\n$)"))) << ran.text;
    return verdicts(grader::read_file(results).value_or(""));
  }();
  return all;
}

struct Expected {
  const char* test;
  const char* verdict;
};

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.test; }

class Misbehaviour : public testing::TestWithParam<Expected> {};

TEST_P(Misbehaviour, GetsItsVerdict) {
  const auto found = misbehaviour().find(GetParam().test);
  ASSERT_NE(found, misbehaviour().end());
  EXPECT_TRUE(std::regex_match(found->second, std::regex(GetParam().verdict))) << found->second;
}

INSTANTIATE_TEST_SUITE_P(
    All, Misbehaviour,
    testing::Values(
        Expected{"Step1_Honest.Passes", "passed"}, Expected{"Step1_Honest.PassesWithAThread", "passed"},
        Expected{"Step1_Honest.PassesWithAProcess", "passed"},
        Expected{"Step1_Honest.PassesWithADeathTest", "passed"},
        Expected{"Step1_Honest.Fails",
                 "failed: Expected equality of these values.*in words: .*\\]\\]&gt; &lt;&amp;&quot;&gt;"},
        Expected{"Step1_Honest.IsSkipped", "failed: .*not today.*"},
        Expected{"Step2_Exits.ExitsAtOnce",
                 R"(called exit\(0\) in the test, misbehaviour_test\.cpp:\d+ before the test ended)"},
        Expected{"Step2_Exits.ExitsQuickly",
                 R"(called exit\(0\) in the test, misbehaviour_test\.cpp:\d+ before the test ended)"},
        Expected{"Step2_Exits.ExitsInOrder",
                 R"(called exit\(0\) in the test, misbehaviour_test\.cpp:\d+ before the test ended)"},
        Expected{"Step8_Dies.ThrowsANumber", "failed: Unknown C\\+\\+ exception.*Its type is int.*"},
        Expected{"Step8_Dies.WritesToNoOne", R"(ended by SIGPIPE in the test, misbehaviour_test\.cpp:\d+)"},
        Expected{"Step8_Dies.IsAlarmed", R"(ended by SIGALRM in misbehaviour::.*misbehaviour\.hpp:\d+)"},
        Expected{"Step2_Exits.PrintsSuccess",
                 R"(called exit\(0\) in the test, misbehaviour_test\.cpp:\d+ before the test ended)"},
        Expected{"Step2_Exits.FailsAfterTheVerdict", "exited with status 7 after the test"},
        Expected{"Step3_Kills.KillsItsParent",
                 R"(called exit\(0\) in .* before the test ended|killed its parent)"},
        Expected{"Step3_Kills.KillsAll", R"(called exit\(0\) in .* before the test ended|killed its parent)"},
        Expected{"Step3_Kills.KillsItself", "was killed: SIGKILL.*"},
        Expected{"Step4_Channel.WritesToEveryDescriptor", "wrote to the grader's channel"},
        Expected{"Step4_Channel.ClosesEveryDescriptor", "closed the grader's channel"},
        Expected{"Step4_Channel.WritesResults", "failed: Failed"},
        Expected{"Step5_Leaves.LeavesAThread",
                 R"(left 2 threads running: threads 2 and 3 wait in .*misbehaviour\.hpp:\d+.*)"},
        Expected{"Step5_Leaves.LeavesADaemon", "left 1 process running: .+"},
        Expected{"Step6_Floods.PrintsWithoutEnd", "flooded the output: more than 1 MiB"},
        Expected{"Step6_Floods.AllocatesWithoutEnd", "out of memory: more than 256 MiB"},
        Expected{
            "Step6_Floods.RecursesWithoutEnd",
            R"(crashed: SIGSEGV \(the stack is full: endless recursion\?\) in misbehaviour::recurse, misbehaviour\.hpp:\d+)"},
        Expected{"Step6_Floods.ForksWithoutEnd", "started more than 64 processes"},
        Expected{
            "Step7_Hangs.SpinsWithoutEnd",
            R"((hung, using the processor|used more than 4 s of processor time): thread 1 spins in misbehaviour::spin, misbehaviour\.hpp:\d+)"},
        Expected{
            "Step7_Hangs.Deadlocks",
            R"(hung: thread 1 waits in misbehaviour::deadlock, misbehaviour\.hpp:\d+&#10;thread 2 waits in misbehaviour::deadlock, misbehaviour\.hpp:\d+)"},
        Expected{"Step7_Hangs.BlocksSignals", "hung: threads 1 and 2 wait, place unknown"},
        Expected{"Step7_Hangs.WaitsInTheTest",
                 R"(hung: thread 1 waits in the test, misbehaviour_test\.cpp:\d+)"},
        Expected{"Step8_Dies.Aborts", R"(called abort\(\) in the test, misbehaviour_test\.cpp:\d+)"},
        Expected{"Step8_Dies.ReadsNothing", R"(crashed: SIGSEGV in the test, misbehaviour_test\.cpp:\d+)"},
        Expected{"Step8_Dies.ThrowsInTheTest",
                 R"(failed: C\+\+ exception with description &quot;thrown in the test&quot;.*)"},
        Expected{
            "Step8_Dies.ThrowsInAThread",
            R"(ended by an uncaught exception.* in the test, misbehaviour_test\.cpp:\d+: std::runtime_error: thrown in a thread)"},
        Expected{
            "Step8_Dies.ThrowsTwice",
            R"(ended by an uncaught exception in misbehaviour::.*misbehaviour\.hpp:\d+: std::runtime_error: thrown .*)"},
        Expected{"Step9_Todo.InTheTest",
                 "1.2 Queue::push is not written yet: see chapters/self_test/README.md#step-1"},
        Expected{"Step9_Todo.InAThread",
                 "1.3 Queue::pop is not written yet: see chapters/self_test/README.md#step-1"},
        Expected{"Step9_Todo.InADestructorMeanwhile",
                 "5.1 Pool::post is not written yet: see chapters/self_test/README.md#step-5"},
        Expected{"Step9_Todo.SwallowedThenAwaited",
                 "4.1 Pool::run is not written yet: see chapters/self_test/README.md#step-4"}),
    [](const auto& info) {
      return std::regex_replace(std::string(info.param.test), std::regex(R"(\.)"), "_");
    });

/// The verdict on a submission that forgery_test.cpp is built with.
std::string verdict_on(const std::string& submission) {
  const std::string results = fresh(folder + "/" + submission + ".xml");
  run(grade + options + " --time 10s --source tests/grader/self_test/forgery_test.cpp --junit " + results +
      " " + folder + "/" + submission + "_test");
  return verdicts(grader::read_file(results).value_or(""))["Step1_Answer.TheAnswerIs42"];
}

TEST(Forgery, AnHonestSubmissionPasses) { EXPECT_EQ(verdict_on("honest"), "passed"); }
TEST(Forgery, ExitsBeforeMain) {
  EXPECT_EQ(verdict_on("exits_before_main"),
            "called exit(0) in submission::Exit::Exit, submission.hpp:15 before the test began");
}
TEST(Forgery, EndsInAListener) {
  EXPECT_NE(verdict_on("ends_in_a_listener").find("failed: "), std::string::npos);
}
TEST(Forgery, RegistersTheSameTest) {
  EXPECT_EQ(verdict_on("registers_the_same_test"), "ran 2 tests of this name instead of one");
}
TEST(Forgery, SwallowsFailures) {
  EXPECT_EQ(verdict_on("swallows_failures"), "keeps GoogleTest from reporting what tests find");
}

TEST(Grader, ATestIsAlone) {
  const Belongings belongings;
  const std::string command = " --source tests/grader/self_test/alone_test.cpp " + folder + "/alone_test";
  const Ran ran = run(grade + options + command);
  if (ran.text.find("note: ") != std::string::npos) GTEST_SKIP() << "not here, and it says so: " << ran.text;
  EXPECT_EQ(ran.status, 0) << ran.text;
  EXPECT_EQ(run("HOME=/ " + grade + options + command).status, 0) << "an odd home is no reason to fail";
  EXPECT_EQ(run("env -u HOME " + grade + options + command).status, 0);
  EXPECT_EQ(run("HOME=$PWD/.. " + grade + options + command).status, 0) << "the repository lies in it";
  EXPECT_EQ(run("HOME=$PWD " + grade + options + command).status, 0);
}

TEST(Grader, SaysWhatATestCanReach) {
  const Ran ran = run(grade + " --isolation none --quiet --source tests/grader/self_test/forgery_test.cpp " +
                      folder + "/honest_test");
  EXPECT_EQ(ran.status, 0) << ran.text;
  EXPECT_NE(ran.text.find("note: no process namespaces here: tests run as "), std::string::npos) << ran.text;
  EXPECT_NE(ran.text.find("; they share /tmp and the network with you\n"), std::string::npos) << ran.text;
}

TEST(Grader, TellsWhyNothingRuns) {
  const std::string source = " --source tests/grader/self_test/forgery_test.cpp ";
  std::filesystem::create_directories(folder + "/meddled");
  grader::write_file(folder + "/meddled/refused", "a.hpp:1: #undef is not allowed\n");
  const Ran refused = run(grade + source + folder + "/meddled/honest_test --json " + folder +
                          "/refused.json --junit " + folder + "/refused.xml");
  EXPECT_EQ(refused.status, 1);
  for (const std::string& text : {refused.text, grader::read_file(folder + "/refused.json").value_or(""),
                                  grader::read_file(folder + "/refused.xml").value_or("")})
    EXPECT_NE(text.find("a.hpp:1: #undef is not allowed"), std::string::npos) << text;
  grader::write_file(folder + "/broken_test.log",
                     "a.hpp: In function\na.hpp:3:7: error: expected ';'\n  3 | int\nb.hpp:1:1: error: b\n");
  const Ran broken = run(grade + source + folder + "/broken_test");
  EXPECT_EQ(broken.status, 1);
  EXPECT_NE(broken.text.find("does not compile"), std::string::npos) << broken.text;
  EXPECT_NE(broken.text.find("a.hpp:3:7: error: expected ';'"), std::string::npos) << broken.text;
  EXPECT_EQ(broken.text.find("b.hpp"), std::string::npos) << broken.text;
  EXPECT_NE(broken.text.find("All of it: " + folder + "/broken_test.log"), std::string::npos) << broken.text;
  EXPECT_TRUE(broken.text.ends_with("0 passed, 1 failed\n")) << broken.text;
}

TEST(Grader, AnErrorInSomebodyElsesHeaderNamesTheLearnersLine) {
  const std::string source = " --source tests/grader/self_test/forgery_test.cpp ";
  const std::string because = "chapters/02_executors/pool.hpp:26: because of this line\n";
  const auto graded = [&](const std::string& log) {
    grader::write_file(folder + "/broken_test.log", log);
    return run(grade + source + folder + "/broken_test").text;
  };
  const std::string gnu = graded(
      "std_function.h: In instantiation of 'function'\n"
      "chapters/support/handler.hpp:30:5:   required from 'set(F)'\n"
      "chapters/02_executors/pool.hpp:26:39:   required from here\n"
      "std_function.h:439:69: error: static assertion failed\n  439 | static_assert\n");
  EXPECT_NE(gnu.find("assertion failed\n  " + because), std::string::npos) << gnu;
  const std::string clang = graded(
      "std_function.h:439:69: error: static assertion failed\n  439 | a\n  440 | b\n  441 | c\n  442 | d\n"
      "chapters/02_executors/pool.hpp:26:39: note: in instantiation of 'set' requested here\n");
  EXPECT_NE(clang.find("assertion failed\n  " + because), std::string::npos) << clang;
  const std::string own = graded(
      "chapters/02_executors/pool.hpp:26:39:   required from here\n"
      "chapters/02_executors/pool.hpp:7:1: error: no such thing\n");
  EXPECT_EQ(own.find("because"), std::string::npos) << own;
}

/// The command that grades the tests of the self-test that hang, one by one.
std::string grade_hanging(const std::string& limits, const std::string& json) {
  return grade + options +
         " --jobs 1 --filter 'Step7*' --source tests/grader/self_test/misbehaviour_test.cpp " + limits +
         " --json " + json + " " + folder + "/misbehaviour_test";
}

TEST(Grader, AChapterHasALimitToo) {
  const std::string json = fresh(folder + "/chapter.json");
  const Ran ran = run(grade_hanging("--time 1s --chapter-time 1s", json));
  const std::string text = grader::read_file(json).value_or("");
  EXPECT_NE(ran.text.find("not run: the tests before it took 1 s"), std::string::npos) << ran.text;
  EXPECT_NE(text.find("not run: the tests before it took 1 s, which is the chapter's limit"),
            std::string::npos)
      << text;
}

TEST(Grader, WhatIsKnownIsThereWhenItIsCutOff) {
  const std::string json = fresh(folder + "/cut.json");
  for (const char* signal : {"KILL", "TERM"}) {
    fresh(json);
    run(grade_hanging("--time 1s", json) + " >/dev/null & until grep -q hung " + json +
        "; do sleep 0.1; done 2>/dev/null; kill -" + signal + " $!; wait");
    const std::string text = grader::read_file(json).value_or("");
    EXPECT_TRUE(text.ends_with("}\n  ]\n}\n")) << signal << ": " << text;
    EXPECT_NE(text.find("hung"), std::string::npos) << signal << ": " << text;
    EXPECT_NE(text.find("not run: the grading was cut off before it"), std::string::npos)
        << signal << ": " << text;
  }
}

TEST(Grader, BeforeTheFirstTestAllAreKnown) {
  const std::string json = fresh(folder + "/not_yet.json");
  const Ran ran = run(grade + " --not-yet --source tests/grader/self_test/forgery_test.cpp --json " + json +
                      " build/not_built_test");
  EXPECT_EQ(ran.status, 0) << ran.text;
  EXPECT_NE(grader::read_file(json).value_or("").find("\"max_score\": 1"), std::string::npos);
}

TEST(Costs, APlaceThatHangsBeforeTheTestsIsTriedAFewTimes) {
  const grader::Limits limits;
  grader::Costs costs(limits);
  const grader::Chapter chapter, other;
  const grader::Test first{.suite = "A", .name = "A", .binary = "a"},
      second{.suite = "B", .name = "B", .binary = "b"};
  const auto add = [&](const grader::Test& test, double seconds, bool began) {
    costs.add({&chapter, &test, {.seconds = seconds, .began = began}});
  };
  for (int i = 0; i < 9; ++i) add(first, 10, true), add(first, 0.1, false);
  EXPECT_EQ(costs.objection({&chapter, &first, {}}), "") << "these hung in a test, or crashed at once";
  add(first, 10, false), add(first, 10, false);
  EXPECT_EQ(costs.objection({&chapter, &first, {}}), "its program hangs before a test begins");
  EXPECT_EQ(costs.objection({&chapter, &second, {}}), "");
  for (int i = 0; i < 4; ++i) add(first, 10, false);
  EXPECT_EQ(costs.objection({&chapter, &second, {}}), "the chapter's programs hang before a test begins");
  EXPECT_EQ(costs.objection({&other, &second, {}}), "");
}

TEST(Grader, RefusesABadCommandLine) {
  const std::string honest = " --source tests/grader/self_test/forgery_test.cpp " + folder + "/honest_test";
  for (const char* bad :
       {" --time 10", " --time 0s", " --memory much", " --jobs none", " --nonsense", " --json"})
    EXPECT_EQ(run(grade + honest + bad).status, 2) << bad;
  EXPECT_EQ(run(grade).status, 2);
  EXPECT_EQ(run(grade + " no_such_test").status, 2);
  const Ran filtered = run(grade + " --filter 'Step7*'" + honest);
  EXPECT_EQ(filtered.status, 2);
  EXPECT_NE(filtered.text.find("Step1_Answer"), std::string::npos) << filtered.text;
  EXPECT_EQ(run(grade + " --filter 'Step1*'" + honest).status, 0);
  EXPECT_EQ(run(grade + " --help").status, 0);
}

TEST(Text, NamesBecomeSentences) {
  EXPECT_EQ(grader::sentence("PopWaitsForPush"), "pop waits for push");
  EXPECT_EQ(grader::sentence("AClosedQueueRefusesPush"), "a closed queue refuses push");
  EXPECT_EQ(grader::sentence("ItemsComeOutInFIFO"), "items come out in FIFO");
  EXPECT_EQ(grader::sentence("FIFOHolds"), "FIFO holds");
  EXPECT_EQ(grader::sentence("Takes10Items"), "takes 10 items");
}

TEST(Text, WhatIsNoTextIsReplaced) {
  EXPECT_EQ(grader::clean("a\x01\xC3\xA9\xFF\n\t\x1B[0m"), "a\uFFFDé\uFFFD\n\t\uFFFD[0m");
  EXPECT_EQ(grader::clean("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(grader::json_string("\"\\\n"), R"("\"\\\n")");
  EXPECT_EQ(grader::xml_text("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
}

TEST(Text, ALongLineIsCut) {
  const std::string text = grader::first_lines(std::string(100'000, 'x') + "\nshort", 8);
  EXPECT_LT(text.size(), 500u);
  EXPECT_TRUE(text.ends_with("…\nshort"));
}

TEST(Course, TestsAreFoundInTheSource) {
  const auto tests = grader::tests_in(R"--(
// TEST(Step1_A, Commented)
/* TEST(Step1_A, Too) */
const char* text = "TEST(Step1_A, Quoted)"; int big = 10'000; char c = '"';
const char* raw = R"(TEST(Step1_A, Raw))";
TEST(Step1_A, One) {}
TEST(Step2_B,
     Two) {}
TEST(Step2_B, DISABLED_Three) {}
)--");
  ASSERT_EQ(tests.size(), 2u);
  EXPECT_EQ(tests[0].full_name(), "Step1_A.One");
  EXPECT_EQ(tests[0].line, 6);
  EXPECT_EQ(tests[1].full_name(), "Step2_B.Two");
}

TEST(Course, TheBinariesOfAChapterMakeOneTable) {
  std::filesystem::create_directories(folder + "/99_merged");
  const auto load = [](const std::string& binary, const std::string& source) {
    std::ofstream(folder + "/source.cpp") << source;
    std::ofstream(folder + "/" + binary).flush();
    return grader::load_chapter(folder + "/" + binary, folder + "/source.cpp");
  };
  grader::Chapter chapter = load("99_merged/step1_a_test", "TEST(Step1_A, One) {} TEST(Step3_C, Two) {}");
  std::ofstream(folder + "/99_merged/explored.note") << "not explored here";
  grader::merge(chapter, load("99_merged/explored", "TEST(Step2_B, Three) {} TEST(Step1_A, Four) {}"));
  EXPECT_EQ(chapter.id, "99_merged");
  ASSERT_EQ(chapter.tests.size(), 4u);
  EXPECT_EQ(chapter.tests[0].binary, folder + "/99_merged/step1_a_test");
  EXPECT_EQ(chapter.tests[3].binary, folder + "/99_merged/explored") << "each test is run by its own binary";
  ASSERT_EQ(chapter.steps.size(), 3u) << "a step that both have is one step";
  EXPECT_EQ(chapter.steps[1].title, "B") << "in the order of their numbers";
  EXPECT_EQ(chapter.notes, (std::vector<std::string>{"not explored here"}));

  grader::Chapter broken = load("99_merged/step1_a_test", "TEST(Step1_A, One) {}");
  std::ofstream(folder + "/99_merged/missing_test.log") << "x.cpp:1:1: error: no such thing\n";
  std::ofstream(folder + "/source.cpp") << "TEST(Step1_A, Five) {}";
  grader::merge(broken, grader::load_chapter(folder + "/99_merged/missing_test", folder + "/source.cpp"));
  EXPECT_EQ(broken.problem, "does not compile") << "one binary that is missing is enough";
}

TEST(Symbols, NamesAreShort) {
  EXPECT_EQ(grader::short_name("concurrent::BlockingQueue<int>::pop()"), "BlockingQueue::pop");
  EXPECT_EQ(grader::short_name("std::vector<int> concurrent::map<int>(int, std::function<void ()>) const"),
            "map");
  EXPECT_EQ(grader::short_name("concurrent::ThreadPool::start()::{lambda()#1}::operator()() const"),
            "ThreadPool::start");
  EXPECT_EQ(grader::short_name("asyncio::Task<void>::operator()() const"), "Task::operator()");
  EXPECT_EQ(grader::short_name("Step1_A_One_Test::TestBody()"), "the test");
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 3) return std::cerr << "Usage: grader_test GRADE FOLDER [grade's options…]\n", 2;
  grade = argv[1];
  folder = argv[2];
  for (int i = 3; i < argc; ++i) options += std::string(" ") + argv[i];
  const int status = RUN_ALL_TESTS();
  const auto& all = *testing::UnitTest::GetInstance();
  std::cout << all.successful_test_count() << " passed, " << all.failed_test_count() << " failed\n";
  return status;
}
