// The timeline that the recipes draw: what it records, and that its pictures hold up on odd input.

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "thread_name.hpp"
#include "timeline.hpp"

namespace concurrent {
namespace {

using namespace std::chrono_literals;

struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "timeline_XXXXXX";
    path = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// Returns the lines of a text, with how many columns each has.
std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    result.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

TEST(Timeline, ASpanKnowsItsNameItsLaneAndItsTimes) {
  Timeline timeline;
  {
    const auto span = timeline.span("job");
    EXPECT_TRUE(timeline.spans().empty());  // still open
  }
  const auto spans = timeline.spans();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].name, "job");
  EXPECT_EQ(spans[0].lane, "main");
  EXPECT_GE(spans[0].begin, 0ns);
  EXPECT_GE(spans[0].end, spans[0].begin);
  EXPECT_LE(spans[0].end, timeline.now());
}

TEST(Timeline, ASpanIsRecordedOnceHoweverOftenItMoves) {
  Timeline timeline;
  {
    auto first = timeline.span("a");
    auto second = std::move(first);
    auto third = timeline.span("b");
    third = std::move(second);
  }
  EXPECT_EQ(timeline.spans().size(), 2u);
}

TEST(Timeline, RecordReturnsWhatTheFunctionReturnsAndEndsTheSpanIfItThrows) {
  Timeline timeline;
  int value = 1;
  int& same = timeline.record("reference", [&]() -> int& { return value; });
  EXPECT_EQ(&same, &value);
  timeline.record("void", [] {});
  EXPECT_THROW(timeline.record("throws", [] { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(timeline.spans().size(), 3u);
}

TEST(Timeline, ManyThreadsRecordAtOnceEachOnItsOwnLane) {
  Timeline timeline;
  {
    std::vector<std::jthread> threads;
    for (int worker = 0; worker < 4; ++worker)
      threads.emplace_back([&timeline, worker] {
        set_thread_name("worker_" + std::to_string(worker));
        for (int i = 0; i < 100; ++i) timeline.record(std::to_string(i), [] {});
      });
  }
  const auto spans = timeline.spans();
  ASSERT_EQ(spans.size(), 400u);
  EXPECT_TRUE(std::ranges::is_sorted(spans, {}, &Recorded::begin));
  EXPECT_EQ(lanes_of(spans).size(), 4u);
}

TEST(Timeline, LanesStandInNaturalOrderWithMainFirst) {
  Timeline timeline;
  for (const char* lane : {"worker_10", "worker_2", "a", "Worker_1", "main", "worker_02"})
    timeline.add({"x", lane, 0ns, 1ns});
  std::vector<std::string> names;
  for (const Lane& lane : lanes_of(timeline.spans())) names.push_back(lane.name);
  EXPECT_EQ(names, (std::vector<std::string>{"main", "a", "Worker_1", "worker_02", "worker_2", "worker_10"}));
}

TEST(Timeline, OverlappingSpansGetTracksOfTheirOwn) {
  Timeline timeline;
  timeline.add({"inner", "main", 2ms, 3ms});
  timeline.add({"outer", "main", 0ms, 9ms});
  timeline.add({"next", "main", 9ms, 10ms});
  const auto lanes = lanes_of(timeline.spans());
  ASSERT_EQ(lanes.size(), 1u);
  ASSERT_EQ(lanes[0].tracks.size(), 2u);
  EXPECT_EQ(lanes[0].tracks[0].size(), 2u);
  EXPECT_EQ(lanes[0].tracks[1][0].name, "inner");
}

TEST(Timeline, TheTextDrawsBlocksToScaleWithTheirNames) {
  Timeline timeline;
  timeline.add({"1", "pool_0", 0ms, 10ms});
  timeline.add({"2", "pool_0", 10ms, 20ms, Activity::waiting});
  timeline.add({"3", "pool_1", 0ms, 20ms});
  EXPECT_EQ(timeline.text(40),
            "pool_0 │▐██████ 1 █████▌░░░░░░░ 2 ░░░░░░\n"
            "pool_1 │▐██████████████ 3 █████████████▌\n"
            "       └────────────────┴──────────────┴\n"
            "       0                10       20.0 ms\n"
            "        █ computing   ░ waiting\n");
}

TEST(Timeline, TheTextFitsItsColumnsWhateverIsInIt) {
  Timeline timeline;
  for (int i = 0; i < 500; ++i)
    timeline.add({std::string(static_cast<std::size_t>(i % 40), 'n'),
                  "a worker with a long name " + std::to_string(i % 3), std::chrono::microseconds(i * 7),
                  std::chrono::microseconds(i * 7 + i % 13)});
  timeline.add({"bad \xff\x01\n", "böse\t", -5ms, 5ms});
  for (const std::size_t columns : {40u, 80u, 200u})
    for (const std::string& line : lines(timeline.text(columns))) {
      EXPECT_LE(columns_of(line), columns);
      EXPECT_EQ(printable(line), line);
    }
}

TEST(Timeline, NothingAndNoLengthAreDrawnToo) {
  TemporaryFolder folder;
  Timeline timeline;
  EXPECT_EQ(timeline.text(), "(nothing recorded)\n");
  timeline.write_svg(folder.path / "empty.svg", "Empty");
  timeline.write_chrome_trace(folder.path / "empty.json");
  EXPECT_EQ(content(folder.path / "empty.json"), "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n]}\n");

  timeline.add({"moment", "main", 0ns, 0ns});
  EXPECT_NE(timeline.text().find("▌"), std::string::npos);
  timeline.write_svg(folder.path / "moment.svg", "Moment");
  EXPECT_NE(content(folder.path / "moment.svg").find(">moment<"), std::string::npos);
}

TEST(Timeline, TheSvgHasAShapeASpanATitleAndEscapedNames) {
  TemporaryFolder folder;
  Timeline timeline;
  timeline.add({"a<b & \"c\"", "main", 0ms, 5ms});
  timeline.add({"d\x01", "main", 5ms, 9ms, Activity::waiting});
  timeline.write_svg(folder.path / "new" / "folder" / "picture.svg", "One & two", {.until = 20ms});
  const std::string svg = content(folder.path / "new" / "folder" / "picture.svg");
  EXPECT_NE(svg.find("<title>One &amp; two</title>"), std::string::npos);
  EXPECT_NE(svg.find(">a&lt;b &amp; &quot;c&quot;<"), std::string::npos);
  EXPECT_EQ(count(svg, "from "), 2u);  // the tooltips
  EXPECT_EQ(count(svg, "class=\"w1\""), 1u);
  EXPECT_NE(svg.find(">20 ms<"), std::string::npos);
  EXPECT_EQ(svg.find('\x01'), std::string::npos);
}

TEST(Timeline, TheTraceNamesItsThreadsAndEscapesItsStrings) {
  TemporaryFolder folder;
  Timeline timeline;
  timeline.add({"a \"quoted\\\" name", "main", 1500ns, 4000ns});
  timeline.write_chrome_trace(folder.path / "trace.json");
  const std::string trace = content(folder.path / "trace.json");
  EXPECT_NE(trace.find(R"({"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"main"}})"),
            std::string::npos);
  EXPECT_NE(trace.find(R"("name":"a \"quoted\\\" name","cat":"computing","ts":1.500,"dur":2.500})"),
            std::string::npos);
}

TEST(Timeline, AFileThatCannotBeWrittenIsNamed) {
  const Timeline timeline;
  try {
    timeline.write_svg("/dev/null/no/picture.svg", "x");
    FAIL() << "must throw";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("/dev/null/no/picture.svg"), std::string::npos) << error.what();
  }
}

TEST(Timeline, TimesAreShownWithThreeDigitsAndTheirUnit) {
  EXPECT_EQ(in_words(0ns), "0 s");
  EXPECT_EQ(in_words(Nanoseconds(0.25)), "0.250 ns");
  EXPECT_EQ(in_words(Nanoseconds(1.024)), "1.02 ns");
  EXPECT_EQ(in_words(Nanoseconds(999.7)), "1.00 µs");
  EXPECT_EQ(in_words(12'340us), "12.3 ms");
  EXPECT_EQ(in_words(1234s), "1,230 s");
}

}  // namespace
}  // namespace concurrent
