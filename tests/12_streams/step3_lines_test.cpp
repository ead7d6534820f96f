// Chapter 12, step 3: up to a separator, and the limit.

#include "stream_reader.hpp"

#include "support.hpp"
#include "virtual_loop.hpp"

#include <random>
#include <variant>

using asyncio::IncompleteReadError;
using asyncio::LimitOverrunError;
using asyncio::StreamReader;
using course::VirtualLoop;

namespace {

using Separators = std::vector<std::string>;

template <class F>
decltype(auto) on_a_loop(F main) {
  VirtualLoop v;
  return v.loop.run_until_complete(main());
}

/// Reads up to a separator. @returns how many bytes were `consumed` when that was over the limit; or the
/// bytes
template <class Separator>
Coro<std::variant<std::string, std::size_t>> until_or_consumed(StreamReader reader, Separator separator) {
  try {
    co_return co_await reader.readuntil(separator);
  } catch (const LimitOverrunError& error) {
    co_return error.consumed;
  }
}

}  // namespace

TEST(Step3_Lines, ALineEndsWithItsNewline) {  // AIO-108
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_data("chunk1 ");
    const Task<std::string> line = create_task(reader.readline());
    co_await sleep(1s);
    reader.feed_data("chunk2 ");
    reader.feed_data("chunk3 ");
    reader.feed_data("\n chunk4");
    EXPECT_EQ(co_await line, "chunk1 chunk2 chunk3 \n");
    EXPECT_EQ(reader.buffered(), 7u);
  });
}

TEST(Step3_Lines, TheEndEndsALineToo) {  // AIO-108
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_data("one\ntwo");
    reader.feed_eof();
    EXPECT_EQ(co_await reader.readline(), "one\n");
    EXPECT_EQ(co_await reader.readline(), "two");
    EXPECT_EQ(co_await reader.readline(), "");
    EXPECT_TRUE(reader.at_eof());
  });
}

TEST(Step3_Lines, TheNewlineDoesNotCountForTheLimit) {  // AIO-108
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 7});
    reader.feed_data("1234567\n12345678\n123456789\n");
    EXPECT_EQ(co_await reader.readline(), "1234567\n");
    EXPECT_THROW(co_await reader.readline(), std::invalid_argument);
    EXPECT_THROW(co_await reader.readline(), std::invalid_argument);
    EXPECT_EQ(reader.buffered(), 0u);
  });
}

TEST(Step3_Lines, ALineThatIsTooLongGoesAndTheNextOneStays) {  // AIO-108
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 3});
    reader.feed_data("li");
    reader.feed_data("ne1\nli");
    reader.feed_data("2\n");
    EXPECT_THROW(co_await reader.readline(), std::invalid_argument);
    EXPECT_EQ(co_await reader.readline(), "li2\n");
  });
}

TEST(Step3_Lines, WithoutANewlineAllThatHasComeGoes) {  // AIO-108
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 3});
    const Task<std::string> line = create_task(reader.readline());
    co_await sleep(1s);
    reader.feed_data("toolong");
    EXPECT_NE(co_await error_when(line), "nothing");
    EXPECT_EQ(reader.buffered(), 0u);
    reader.feed_data("x\n");
    EXPECT_EQ(co_await reader.readline(), "x\n");
  });
}

TEST(Step3_Lines, ASeparatorMaySpanPieces) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Task<std::string> part = create_task(reader.readuntil("END"));
    for (const char* piece : {"a E", "EN", "N E", "N", "D rest"}) {
      EXPECT_FALSE(part.done());
      reader.feed_data(piece);
      co_await sleep(0s);
      co_await sleep(0s);
    }
    reader.feed_eof();
    EXPECT_EQ(co_await part, "a EENN END");
    EXPECT_EQ(reader.buffered(), 5u);
  });
}

TEST(Step3_Lines, OverTheLimitTheBytesStay) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 3});
    reader.feed_data("some dataAA");
    EXPECT_EQ(std::get<std::size_t>(co_await until_or_consumed(reader, "AAA")), 9u);
    EXPECT_EQ(reader.buffered(), 11u) << "the last two may be the beginning of it";
    reader.feed_data("A");
    EXPECT_EQ(std::get<std::size_t>(co_await until_or_consumed(reader, "AAA")), 9u);
    EXPECT_EQ(reader.buffered(), 12u);
  });
}

TEST(Step3_Lines, ExactlyTheLimitIsNotOverIt) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 3});
    const Task<std::string> part = create_task(reader.readuntil("!"));
    reader.feed_data("abc");
    co_await sleep(1s);
    EXPECT_FALSE(part.done());
    reader.feed_data("!");
    EXPECT_EQ(co_await part, "abc!");
  });
}

TEST(Step3_Lines, OnlyWhatStandsBeforeALongSeparatorCountsForTheLimit) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 3});
    const Task<std::string> part = create_task(reader.readuntil("AAA"));
    reader.feed_data("abcAA");
    co_await sleep(1s);
    EXPECT_FALSE(part.done()) << "it may begin behind three bytes, which is within the limit";
    reader.feed_data("A");
    EXPECT_EQ(co_await part, "abcAAA");
    const Task<std::variant<std::string, std::size_t>> over = create_task(until_or_consumed(reader, "AAA"));
    reader.feed_data("abcdAA");
    co_await sleep(1s);
    EXPECT_TRUE(over.done()) << "it cannot begin within the limit any more, whatever comes";
    reader.feed_eof();
    EXPECT_EQ(std::get<std::size_t>(co_await over), 4u);
  });
}

TEST(Step3_Lines, TheLimitHoldsAtTheEndOfTheStreamToo) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 3});
    reader.feed_data("toolong");
    reader.feed_eof();
    bool over = false;
    try {
      co_await reader.readuntil("!");
    } catch (const LimitOverrunError&) {
      over = true;
    } catch (const IncompleteReadError&) {
    }
    EXPECT_TRUE(over) << "too long comes before incomplete";
    EXPECT_EQ(reader.buffered(), 7u) << "and the bytes stay";
    EXPECT_THROW(co_await reader.readline(), std::invalid_argument);
  });
}

TEST(Step3_Lines, WhatAnotherHasTakenMeanwhileIsNotCounted) {
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Task<std::string> part = create_task(reader.readuntil("\n"));
    reader.feed_data("taken");
    co_await sleep(1s);
    EXPECT_EQ(co_await reader.read(10), "taken") << "by one who need not wait";
    reader.feed_data("a\nsecond line\n");
    EXPECT_EQ(co_await part, "a\n") << "where it has searched already, there are other bytes now";
    EXPECT_EQ(co_await reader.readline(), "second line\n");
  });
}

TEST(Step3_Lines, AnotherMayTakeMoreThanWasSearched) {
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Task<std::string> part = create_task(reader.readuntil("\n"));
    reader.feed_data("ab");
    co_await sleep(1s);
    reader.feed_data("0123456789\nsecond line\n");  // wakes it, and before it runs
    EXPECT_EQ(co_await reader.read(12), "ab0123456789");
    co_await sleep(1s);
    EXPECT_TRUE(part.done()) << "the newline is the first of the bytes that are left";
    reader.feed_eof();
    EXPECT_EQ(co_await part, "\n");
    EXPECT_EQ(co_await reader.readline(), "second line\n");
  });
}

TEST(Step3_Lines, TheEndBeforeTheSeparatorIsAnError) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_data("dataAA");
    reader.feed_eof();
    bool thrown = false;
    try {
      co_await reader.readuntil("AAA");
    } catch (const IncompleteReadError& error) {
      thrown = true;
      EXPECT_EQ(error.partial, "dataAA");
      EXPECT_FALSE(error.expected);
    }
    EXPECT_TRUE(thrown);
    EXPECT_EQ(reader.buffered(), 0u);
  });
}

TEST(Step3_Lines, TheLastPieceMayBringTheSeparatorAndTheEnd) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Task<std::string> part = create_task(reader.readuntil("\r\n"));
    co_await sleep(1s);
    reader.feed_data("last\r\n");
    reader.feed_eof();
    EXPECT_EQ(co_await part, "last\r\n");
  });
}

TEST(Step3_Lines, OfSeveralSeparatorsTheOneThatEndsFirst) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Separators newlines = {"\r", "\n"}, long_and_short = {"ne two three", "wo"},
                     parts = {"three", "thre"};
    reader.feed_data("line 1\nline 2\r");
    EXPECT_EQ(co_await reader.readuntil(newlines), "line 1\n");
    EXPECT_EQ(co_await reader.readuntil(newlines), "line 2\r");
    reader.feed_data("one two three");
    EXPECT_EQ(co_await reader.readuntil(long_and_short), "one two");
    EXPECT_EQ(co_await reader.readuntil(parts), " thre");
    const Separators short_and_long = {"wo", "ne two three"};
    reader.feed_data(" one two three");
    EXPECT_EQ(co_await reader.readuntil(short_and_long), "e one two");
  });
}

TEST(Step3_Lines, ALongSeparatorIsSeenBehindAShortOne) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Separators separators = {"A", "long sep"};
    const Task<std::string> part = create_task(reader.readuntil(separators));
    reader.feed_data("x long s");
    co_await sleep(1s);
    EXPECT_FALSE(part.done());
    reader.feed_data("ep");
    reader.feed_eof();
    EXPECT_EQ(co_await part, "x long sep");
  });
}

TEST(Step3_Lines, ASeparatorIsNotEmpty) {  // AIO-109
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_data("data\n");
    EXPECT_THROW(co_await reader.readuntil(""), std::invalid_argument);
    const Separators none, one_is_empty = {"x", ""};
    EXPECT_THROW(co_await reader.readuntil(none), std::invalid_argument);
    EXPECT_THROW(co_await reader.readuntil(one_is_empty), std::invalid_argument);
    EXPECT_EQ(co_await reader.readuntil(), "data\n");
  });
}

TEST(Step3_Lines, ACancelledReadlineLosesNothing) {
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    Task<std::string> line = create_task(reader.readline());
    co_await sleep(1s);
    reader.feed_data("half a ");
    co_await sleep(1s);
    line.cancel();
    EXPECT_EQ(co_await error_when(line), "cancelled");
    reader.feed_data("line\n");
    EXPECT_EQ(co_await reader.readline(), "half a line\n");
  });
}

TEST(Step3_Lines, AMillionBytesOneByOne) {
  on_a_loop([]() -> Coro<> {
    constexpr std::size_t size = 1'000'000;
    const StreamReader reader({.limit = 2 * size});
    const Task<std::string> line = create_task(reader.readline());
    for (std::size_t i = 0; i < size; ++i) {
      reader.feed_data("x");
      if (i % 10 == 0) co_await sleep(0s);  // and so readline() looks a hundred thousand times
    }
    reader.feed_data("\n");
    EXPECT_EQ((co_await line).size(), size + 1);
  });
}

TEST(Step3_Lines, AHundredThousandLinesInOnePiece) {
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    std::string lines;
    for (int i = 0; i < 100'000; ++i) lines += "line " + std::to_string(i) + "\n";
    reader.feed_data(lines);
    for (int i = 0; i < 100'000; ++i) {
      const std::string line = co_await reader.readline();
      // Under a sanitizer the stack grows with each coroutine that ends without a wait.
      if (i % 1'000 == 0) co_await sleep(0s);
      if (line != "line " + std::to_string(i) + "\n") {
        ADD_FAILURE() << "line " << i << " is " << line;
        co_return;
      }
    }
  });
}
