// The program `compare`: its arithmetic, and how it treats the programs that it runs. These are shell scripts
// here.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "compare_program.hpp"
#include "timeline/utf8.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;
using Arguments = std::vector<std::string>;

/// Fake bench programs in a folder of their own, and what `compare` says about them.
class Compare : public testing::Test {
 protected:
  Compare() {
    std::string name = std::filesystem::temp_directory_path() / "compare_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~Compare() override { std::filesystem::remove_all(folder_); }

  /// A program with the rows `names`. `run` is what it does for one of them, $2 being the filter.
  std::string program(const std::string& label, const std::string& names, const std::string& run) {
    const auto path = folder_ / label;
    std::ofstream(path) << "#!/bin/sh\nif [ $1 = --benchmark_list_tests=true ]; then printf '" << names
                        << "'; exit; fi\n"
                        << run << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return label + "=" + path.string();
  }

  int run(const Arguments& arguments) {
    out.str("");
    err.str("");
    return compare(arguments, {.out = out, .err = err});
  }

  std::string path(const std::string& name) const { return folder_ / name; }
  std::string content(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// The first line of the output that contains `part`.
  std::string line(std::string_view part) const {
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);)
      if (line.find(part) != std::string::npos) return line;
    return "no line with " + std::string(part) + " in\n" + out.str();
  }

  std::ostringstream out, err;

 private:
  std::filesystem::path folder_;
};

constexpr const char* three_rows = R"(case $2 in
*sequential*) echo '10 g/sequential' ;;
*fast*) echo '2.5 g/fast' ;;
*) echo '2000 g/slow' ;;
esac)";

TEST_F(Compare, RowsStandAgainstTheSequentialOneOfTheirGroup) {
  EXPECT_EQ(run({program("a", "g/fast/real_time\ng/sequential\ng/slow\n", three_rows)}), 0) << err.str();
  EXPECT_NE(line("sequential").find("10.0 ns"), std::string::npos);
  EXPECT_NE(line("sequential").find(" baseline "), std::string::npos);
  EXPECT_NE(line("fast").find("4.00× faster"), std::string::npos);
  EXPECT_NE(line("slow").find("200× slower"), std::string::npos);
  EXPECT_NE(line("vs baseline").find("log scale"), std::string::npos);
}

TEST_F(Compare, ATableFitsEightyColumns) {
  const std::string rows = "a group with quite a long name/and a variant with a longer one\\ng/x\n";
  ASSERT_EQ(
      run({program("solution", rows, "echo 123456"), program("a_long_label", rows, "echo 0.5; exit"),
           program("bad", rows,
                   "echo a very long message, and it goes on and on and on and on and on >&2; exit 1")}),
      0);
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(line.starts_with("✘") || concurrent::columns_of(line) <= 80) << line;
}

TEST_F(Compare, ProgramsTakeTurnsAndEveryOtherRoundGoesBackwards) {
  const std::string note = "echo $0 | sed 's|.*/||' >> " + path("log") + "; echo 5 g/x";
  ASSERT_EQ(run({"--rounds", "3", program("a", "g/x\n", note), program("b", "g/x\n", note)}), 0) << err.str();
  EXPECT_EQ(content("log"), "a\nb\nb\na\na\nb\n");
}

TEST_F(Compare, TheMedianOfTheRoundsCountsAndTheirSpreadIsShown) {
  const std::string next = "n=$(cat " + path("n") + " 2>/dev/null || echo 0); n=$((n + 1)); echo $n > " +
                           path("n") + "; case $n in 1) echo 900;; 2) echo 100;; 3) echo 110;; esac";
  ASSERT_EQ(run({"--rounds", "3", "--json", path("new/results.json"), program("a", "g/x\n", next)}), 0)
      << err.str();
  EXPECT_NE(line("  x").find("110 ns"), std::string::npos) << out.str();
  EXPECT_NE(line("  x").find("100–900"), std::string::npos) << out.str();
  EXPECT_NE(content("new/results.json")
                .find(R"("median":110,"min":100,"max":900,"speedup":1,"rounds":[900,100,110])"),
            std::string::npos);
}

TEST_F(Compare, AProgramThatFailsDoesNotStopTheOthersAndItsMessageIsShownOnce) {
  const std::string throws =
      "echo \"terminate called after\n  what():  1.2 push is not written yet\" >&2; exit 134";
  ASSERT_EQ(
      run({program("a", "g/x\ng/y\n", "echo 5"), program("b", "g/x\ng/y\n", throws), "c=" + path("missing")}),
      0);
  EXPECT_NE(line("  x").find("5.00 ns"), std::string::npos);
  EXPECT_EQ(line("✘ b:"), "✘ b: 1.2 push is not written yet");
  EXPECT_EQ(out.str().find("✘ b:"), out.str().rfind("✘ b:"));
  EXPECT_EQ(line("✘ c:"), "✘ c: cannot run " + path("missing") + ": No such file or directory");
}

TEST_F(Compare, AProgramThatHangsIsKilledWithAllThatItStarted) {
  const std::string hangs = "tail -f /dev/null & echo $! > " + path("pid") + "; tail -f /dev/null";
  EXPECT_EQ(run({"--limit", "0.2", program("a", "g/x\n", hangs)}), 1);
  EXPECT_EQ(line("✘ a:"), "✘ a: not done after 200 ms");
  const auto alive = [stat = "/proc/" + std::to_string(std::stoi(content("pid"))) + "/stat"] {
    std::string pid, name, state = "Z";  // gone, or waiting for its parent to take note
    std::ifstream(stat) >> pid >> name >> state;
    return state != "Z";
  };
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (alive() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();  // dying takes a moment
  EXPECT_FALSE(alive());
}

TEST_F(Compare, ARequirementIsCheckedAndItsFiguresShown) {
  const std::string a = program("a", "g/sequential\ng/fast\n", three_rows),
                    b = program("b", "g/fast\n", "echo 5");
  EXPECT_EQ(
      run({"--require", "g/fast vs g/sequential >= 4", "--require", "b:g/fast vs g/sequential >= 2", a, b}),
      0);
  EXPECT_EQ(line("✔ g/"), "✔ g/fast vs g/sequential: 4.00× ≥ 4× (2.50 ns, 10.0 ns)");
  EXPECT_EQ(run({"--require", "g/fast vs g/sequential >= 4.5", a}), 1);
  EXPECT_EQ(line("✘"), "✘ g/fast vs g/sequential: 4.00× < 4.5× (2.50 ns, 10.0 ns)");
  EXPECT_EQ(run({"--require", "g/fast vs g/none >= 1", a}), 1);
  EXPECT_EQ(line("✘"), "✘ g/fast vs g/none: there is no row g/none");
}

TEST_F(Compare, ASmokeRunFailsIfOneRowFails) {
  const std::string good = program("a", "g/x\n", "echo 5"), bad = program("b", "g/x\n", "exit 3");
  EXPECT_EQ(run({"--smoke", good}), 0);
  EXPECT_EQ(out.str(), "1 rows run, 0 failed\n");
  EXPECT_EQ(run({"--smoke", good, bad}), 1);
  EXPECT_EQ(out.str(), "1 rows run, 1 failed\n✘ b: exit status 3\n");
  EXPECT_EQ(run({"--smoke", good, "c=" + path("missing")}), 1);
}

TEST_F(Compare, OnlyRowsThatMatchTheFilterRun) {
  const std::string a = program("a", "g/x\nh/y\n", "echo 5");
  EXPECT_EQ(run({"--filter", "^h", a}), 0);
  EXPECT_EQ(out.str().find("g"), out.str().find("log"));  // nothing of g
  EXPECT_EQ(run({"--filter", "z", a}), 2);
  EXPECT_EQ(err.str(), "compare: no row matches the filter (--help tells more)\n");
}

TEST_F(Compare, TheChartShowsEveryGroupAndRow) {
  ASSERT_EQ(run({"--svg", path("chart.svg"), "--title", "A & B",
                 program("a", "g/sequential\ng/fast\n", three_rows)}),
            0);
  const std::string svg = content("chart.svg");
  for (const char* part : {"<title>A &amp; B</title>", ">g<", ">fast<", ">2.50 ns<", ">4.00× faster<"})
    EXPECT_NE(svg.find(part), std::string::npos) << part;
}

TEST_F(Compare, BadUsageIsExplained) {
  const std::vector<Arguments> bad{{},
                                   {"--rounds"},
                                   {"--rounds", "x", "a=b"},
                                   {"--rounds", "0", "a=b"},
                                   {"--rounds", "0.5", "a=b"},
                                   {"--filter", "(", "a=b"},
                                   {"--frob", "a=b"},
                                   {"program"},
                                   {"--require", "a >= 2", "a=b"},
                                   {"--require", "a vs b >= two", "a=b"},
                                   {"--smoke", "--require", "a vs b >= 2", "a=b"}};
  for (const Arguments& arguments : bad) {
    EXPECT_EQ(run(arguments), 2) << testing::PrintToString(arguments);
    EXPECT_TRUE(err.str().starts_with("compare: ")) << err.str();
    EXPECT_EQ(std::ranges::count(err.str(), '\n'), 1) << err.str();
  }
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_EQ(out.str(), compare_usage);
}

TEST_F(Compare, ProgressTellsTheRoundAndTheRowAndEndsEmpty) {
  std::vector<std::string> lines;
  const Console console{out, err, false, [&](const std::string& line) { lines.push_back(line); }};
  ASSERT_EQ(compare(Arguments{"--rounds", "2", program("a", "g/x/real_time\n", "echo 5")}, console), 0);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "round 1/2: g/x (a)");
  EXPECT_TRUE(lines[1].starts_with("round 2/2, ")) << lines[1];
  EXPECT_EQ(lines[2], "");
}

TEST(CompareArithmetic, TheMedianIsTheMiddle) {
  EXPECT_EQ(median({Nanoseconds(3), Nanoseconds(1), Nanoseconds(9)}), Nanoseconds(3));
  EXPECT_EQ(median({Nanoseconds(4), Nanoseconds(1), Nanoseconds(9), Nanoseconds(2)}), Nanoseconds(3));
  EXPECT_EQ(median({Nanoseconds(7)}), Nanoseconds(7));
}

TEST(CompareArithmetic, ATimeIsComparedInWords) {
  EXPECT_EQ(against(Nanoseconds(200), Nanoseconds(1)), "200× slower");
  EXPECT_EQ(against(Nanoseconds(100), Nanoseconds(391)), "3.91× faster");
  EXPECT_EQ(against(Nanoseconds(1.004), Nanoseconds(1)), "the same");
  EXPECT_EQ(against(Nanoseconds(11'947), Nanoseconds(1)), "11,900× slower");
  EXPECT_EQ(against(Nanoseconds(2.5e6), Nanoseconds(1)), "2.50 M× slower");
}

TEST(CompareArithmetic, NamesLoseWhatTheLibraryAdds) {
  EXPECT_EQ(plain_name("a job/ThreadPool/real_time"), "a job/ThreadPool");
  EXPECT_EQ(plain_name("a/b/min_time:0.100/process_time/real_time"), "a/b");
  EXPECT_EQ(plain_name("a/b/8"), "a/b/8");
  EXPECT_EQ(plain_name("alone"), "alone");
}

TEST(CompareArithmetic, VariantsOfAGroupStandTogetherInOrderOfAppearance) {
  const Program a{"a", ""}, b{"b", ""};
  std::vector<Row> rows{{&a, "g/x"}, {&a, "h/x"}, {&a, "g/y"}, {&b, "g/z"}, {&b, "g/x"}};
  const auto groups = groups_of(rows);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].name, "g");
  EXPECT_EQ(groups[0].rows, (std::vector<Row*>{&rows[0], &rows[4], &rows[2], &rows[3]}));
}

}  // namespace
}  // namespace bench
