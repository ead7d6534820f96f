// Chapter 12, step 3: random bytes in random pieces, beside a reader of ten lines.

#include "stream_reader.hpp"

#include "support.hpp"
#include "virtual_loop.hpp"

#include <algorithm>
#include <random>

using asyncio::LimitOverrunError;
using asyncio::StreamReader;
using course::VirtualLoop;

namespace {

/// How many cases there are. COURSE_FUZZ_CASES=1000000 makes it a million.
std::size_t cases() {
  const char* const wanted = std::getenv("COURSE_FUZZ_CASES");
  return wanted ? std::stoul(wanted) : 10'000;
}

/// A call of a reader: 'r'ead, read'e'xactly, read'l'ine, read'u'ntil.
struct Call {
  char kind;
  std::size_t size;
  std::vector<std::string> separators;
};

/// The reader of ten lines: it has all bytes, and so it need not wait.
struct Reference {
  std::string bytes;
  std::size_t limit;

  std::string take(std::size_t size) {
    const std::string taken = bytes.substr(0, size);
    bytes.erase(0, size);
    return taken;
  }
  /// The result of a call; for a part of the stream that is not there, "incomplete " and what there is.
  std::string operator()(const Call& call) {
    if (call.kind == 'e')
      return call.size > bytes.size() ? "incomplete " + take(bytes.size()) : take(call.size);
    std::size_t start = bytes.size(), end = std::string::npos;
    for (const std::string& separator : call.separators)
      if (const std::size_t at = bytes.find(separator);
          at != std::string::npos && at + separator.size() < end)
        start = at, end = at + separator.size();
    if (end == std::string::npos) return "incomplete " + take(bytes.size());
    return start > limit ? "over" : take(end);
  }
};

/// Does a call. @returns its result as a Reference gives it
Coro<std::string> call_of(StreamReader reader, Call call) {
  try {
    if (call.kind == 'e') co_return co_await reader.readexactly(static_cast<std::ptrdiff_t>(call.size));
    co_return co_await reader.readuntil(call.separators);
  } catch (const asyncio::IncompleteReadError& error) {
    co_return "incomplete " + error.partial;
  } catch (const LimitOverrunError&) {
    co_return "over";
  }
}

struct Case {
  std::mt19937 random;

  std::size_t below(std::size_t bound) { return random() % bound; }
  std::string text(std::size_t size) {
    std::string bytes(size, ' ');
    for (char& c : bytes) c = "ab\n"[below(3)];
    return bytes;
  }

  Coro<> run() {
    const std::string stream = text(below(120));
    const StreamReader reader({.limit = 200});
    Reference reference{stream, 200};
    std::vector<Call> calls(1 + below(8));
    std::vector<std::string> wanted;
    for (Call& call : calls) {
      call = {"eu" [below(2)], below(12), { text(1 + below(3)) }};
      while (below(3) == 0) call.separators.push_back(text(1 + below(3)));
      wanted.push_back(reference(call));
    }
    const auto ask = [&]() -> Coro<std::vector<std::string>> {
      std::vector<std::string> results;
      for (const Call& call : calls) results.push_back(co_await call_of(reader, call));
      co_return results;
    };
    const Task<std::vector<std::string>> results = create_task(ask());
    for (std::size_t begin = 0; begin < stream.size();) {
      const std::size_t size = std::min(1 + below(10), stream.size() - begin);
      reader.feed_data(stream.substr(begin, size));
      begin += size;
      if (below(2) == 0) co_await sleep(0s);
    }
    reader.feed_eof();
    EXPECT_EQ(co_await results, wanted) << "of " << testing::PrintToString(stream);
    EXPECT_EQ(reader.buffered(), reference.bytes.size());
  }
};

}  // namespace

TEST(Step3_Fuzz, RandomPiecesGiveWhatTheWholeGives) {
  VirtualLoop v;
  const std::size_t count = cases();
  for (std::size_t i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    Case one{std::mt19937(static_cast<std::mt19937::result_type>(i))};
    v.loop.run_until_complete(one.run());
  }
}

TEST(Step3_Fuzz, LinesOfRandomLengthsAreWholeOrRefused) {
  VirtualLoop v;
  const std::size_t count = cases() / 3;
  for (std::size_t i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    std::mt19937 random(static_cast<std::mt19937::result_type>(i));
    const auto run = [&]() -> Coro<> {
      std::vector<std::string> lines(1 + random() % 5);
      std::string stream;
      for (std::string& line : lines) stream += line = std::string(random() % 24, 'x') + "\n";
      const StreamReader reader({.limit = 12});
      reader.feed_data(stream);  // all of it, so that what is refused is refused whole
      reader.feed_eof();
      for (const std::string& line : lines) {
        std::string got;
        try {
          got = co_await reader.readline();
        } catch (const std::invalid_argument&) {
          got = "refused";
        }
        EXPECT_EQ(got, line.size() > 13 ? "refused" : line) << "case " << i;
      }
    };
    v.loop.run_until_complete(run());
  }
}
