// Chapter 12, step 3: bytes that come in pieces, and no socket at all.

#include "stream_reader.hpp"

#include "support.hpp"
#include <limits>

#include "virtual_loop.hpp"

using asyncio::IncompleteReadError;
using asyncio::StreamReader;
using course::VirtualLoop;

namespace {

/// Runs what `main()` gives on a loop whose clock jumps.
template <class F>
decltype(auto) on_a_loop(F main) {
  VirtualLoop v;
  return v.loop.run_until_complete(main());
}

std::exception_ptr an_error() { return std::make_exception_ptr(std::runtime_error("the line is cut")); }

}  // namespace

TEST(Step3_Read, ReadReturnsWhatIsThereAndWaitsForNoMore) {  // AIO-107
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_data("one ");
    reader.feed_data("two");
    EXPECT_EQ(co_await reader.read(100), "one two");
    const Task<std::string> read = create_task(reader.read(100));
    co_await sleep(1s);
    EXPECT_FALSE(read.done());
    reader.feed_data("three");
    EXPECT_EQ(co_await read, "three");
  });
}

TEST(Step3_Read, NoMoreThanAskedForAndTheRestStays) {  // AIO-107
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_data("abcdef");
    EXPECT_EQ(co_await reader.read(2), "ab");
    EXPECT_EQ(reader.buffered(), 4u);
    EXPECT_EQ(co_await reader.read(3), "cde");
    EXPECT_EQ(co_await reader.read(3), "f");
  });
}

TEST(Step3_Read, ReadOfNothingWaitsForNothing) {  // AIO-107
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    EXPECT_EQ(co_await reader.read(0), "");
    reader.feed_data("x");
    EXPECT_EQ(co_await reader.read(0), "");
    EXPECT_EQ(co_await reader.read(1), "x");
  });
}

TEST(Step3_Read, ANegativeNumberReadsToTheEnd) {  // AIO-107
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 4});
    const Task<std::string> all = create_task(reader.read());
    for (const char* piece : {"piece ", "by ", "piece"}) {
      reader.feed_data(piece);
      co_await sleep(0s);
      co_await sleep(0s);
      EXPECT_FALSE(all.done());
    }
    reader.feed_eof();
    EXPECT_EQ(co_await all, "piece by piece");
    EXPECT_EQ(co_await reader.read(-1), "");
  });
}

TEST(Step3_Read, AtTheEndReadReturnsNothing) {  // AIO-107
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_data("last");
    reader.feed_eof();
    EXPECT_EQ(co_await reader.read(100), "last");
    EXPECT_EQ(co_await reader.read(100), "");
    EXPECT_EQ(co_await reader.read(100), "");
  });
}

TEST(Step3_Read, TheEndWakesWhoWaits) {  // AIO-107
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Task<std::string> read = create_task(reader.read(10));
    co_await sleep(1s);
    reader.feed_eof();
    EXPECT_EQ(co_await read, "");
  });
}

TEST(Step3_Read, TheLimitIsNoLimitForRead) {  // AIO-107
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 3});
    reader.feed_data("chunk longer than three");
    EXPECT_EQ(co_await reader.read(5), "chunk");
    EXPECT_EQ(co_await reader.read(100), " longer than three");
  });
}

TEST(Step3_Read, AtEofIsTheEndOfWhatWasRead) {  // AIO-112
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    EXPECT_FALSE(reader.at_eof());
    reader.feed_data("some data\n");
    EXPECT_FALSE(reader.at_eof());
    EXPECT_EQ(co_await reader.read(5), "some ");
    reader.feed_eof();
    EXPECT_FALSE(reader.at_eof()) << "there is more to be read";
    EXPECT_EQ(co_await reader.read(50), "data\n");
    EXPECT_TRUE(reader.at_eof());
  });
}

TEST(Step3_Read, ReadexactlyWaitsForAll) {  // AIO-110
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = 3});
    const Task<std::string> exact = create_task(reader.readexactly(12));
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(exact.done());
      reader.feed_data("12345");
      co_await sleep(0s);
      co_await sleep(0s);
    }
    EXPECT_EQ(co_await exact, "123451234512") << "the limit does not matter";
    EXPECT_EQ(co_await reader.read(10), "345");
  });
}

TEST(Step3_Read, ReadexactlyOfTooLittleSaysHowMuchThereWas) {  // AIO-110
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_data("123456789012345678");
    reader.feed_eof();
    bool thrown = false;
    try {
      co_await reader.readexactly(36);
    } catch (const IncompleteReadError& error) {
      thrown = true;
      EXPECT_EQ(error.partial, "123456789012345678");
      EXPECT_EQ(error.expected, 36u);
      EXPECT_STREQ(error.what(), "18 bytes read on a total of 36 expected bytes");
    }
    EXPECT_TRUE(thrown);
    EXPECT_EQ(co_await reader.read(10), "") << "they were taken";
  });
}

TEST(Step3_Read, ReadexactlyOfNothingOrLess) {  // AIO-110
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    EXPECT_EQ(co_await reader.readexactly(0), "");
    EXPECT_THROW(co_await reader.readexactly(-1), std::invalid_argument);
    reader.feed_data("x");
    EXPECT_EQ(co_await reader.read(1), "x");
  });
}

TEST(Step3_Read, AnErrorWakesWhoWaitsAndComesAgain) {  // AIO-112
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Task<std::string> read = create_task(reader.read(1));
    co_await sleep(1s);
    reader.set_exception(an_error());
    EXPECT_EQ(co_await error_when(read), "the line is cut");
    EXPECT_EQ(co_await error_when(reader.read(1)), "the line is cut");
    EXPECT_EQ(co_await error_when(reader.read(0)), "the line is cut") << "before anything else";
    EXPECT_EQ(co_await error_when(reader.read()), "the line is cut");
    EXPECT_EQ(co_await error_when(reader.readline()), "the line is cut");
    EXPECT_EQ(co_await error_when(reader.readexactly(1)), "the line is cut");
    EXPECT_EQ(co_await error_when(reader.readuntil("x")), "the line is cut");
    EXPECT_TRUE(reader.exception());
  });
}

TEST(Step3_Read, AnErrorComesBeforeTheBytes) {  // AIO-112
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_data("line\n");
    EXPECT_EQ(co_await reader.read(1), "l");
    reader.set_exception(an_error());
    EXPECT_EQ(co_await error_when(reader.read(1)), "the line is cut");
  });
}

TEST(Step3_Read, AnErrorAfterTheReaderWasCancelled) {  // AIO-112
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    Task<std::string> read = create_task(reader.read(1));
    co_await sleep(1s);
    read.cancel();
    reader.set_exception(an_error());
    EXPECT_EQ(co_await error_when(read), "cancelled");
    EXPECT_EQ(co_await error_when(reader.read(1)), "the line is cut");
  });
}

TEST(Step3_Read, TwoReadersAtATimeAreRefused) {  // AIO-111
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Task<std::string> first = create_task(reader.read(1));
    co_await sleep(0s);
    EXPECT_EQ(co_await error_when(reader.read(1)),
              "read() called while another coroutine is already waiting for incoming data");
    EXPECT_EQ(co_await error_when(reader.readexactly(1)),
              "readexactly() called while another coroutine is already waiting for incoming data");
    EXPECT_EQ(co_await error_when(reader.readline()),
              "readuntil() called while another coroutine is already waiting for incoming data");
    reader.feed_data("x");
    EXPECT_EQ(co_await first, "x") << "the first waits on";
  });
}

TEST(Step3_Read, WhatAnotherHasTakenMeanwhileIsWaitedForAgain) {
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    for (const std::ptrdiff_t most : {10, -1}) {
      const Task<std::string> waits = create_task(reader.read(most));
      co_await sleep(1s);
      reader.feed_data("x");
      EXPECT_EQ(co_await reader.read(10), "x") << "which need not wait, and so is first";
      co_await sleep(1s);
      EXPECT_FALSE(waits.done()) << "nothing would mean that this is the end, and it is not";
      reader.feed_data("y");
      if (most < 0) reader.feed_eof();
      EXPECT_EQ(co_await waits, "y");
    }
  });
}

TEST(Step3_Read, AnErrorEndsAReadToTheEnd) {  // AIO-112
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const Task<std::string> all = create_task(reader.read());
    reader.feed_data("a part");
    co_await sleep(1s);
    reader.set_exception(an_error());
    EXPECT_EQ(co_await error_when(all), "the line is cut") << "a part is not all";
  });
}

TEST(Step3_Read, TheLimitMayBeAsLargeAsCanBe) {  // AIO-107
  on_a_loop([]() -> Coro<> {
    const StreamReader reader({.limit = std::numeric_limits<std::size_t>::max()});
    reader.feed_data("line\nand the rest");
    reader.feed_eof();
    EXPECT_EQ(co_await reader.readline(), "line\n");
    EXPECT_EQ(co_await reader.read(), "and the rest");
  });
}

TEST(Step3_Read, ACancelledReadLosesNothing) {
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    Task<std::string> read = create_task(reader.read(10));
    co_await sleep(1s);
    reader.feed_data("kept");
    read.cancel();
    EXPECT_EQ(co_await error_when(read), "cancelled");
    EXPECT_EQ(co_await reader.read(10), "kept");
  });
}

TEST(Step3_Read, ACancelledReadToTheEndHasTakenWhatItHas) {
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    Task<std::string> all = create_task(reader.read());
    co_await sleep(1s);
    reader.feed_data("gone");
    co_await sleep(1s);
    all.cancel();
    EXPECT_EQ(co_await error_when(all), "cancelled");
    const Task<std::string> next = create_task(reader.read(10));
    co_await sleep(1s);
    reader.feed_data("next");
    EXPECT_EQ(co_await next, "next") << "and there is room for the next reader";
  });
}

TEST(Step3_Read, AfterTheEndNothingCanCome) {  // AIO-107
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    reader.feed_eof();
    EXPECT_THROW(reader.feed_data("too late"), std::logic_error);
    EXPECT_THROW(StreamReader({.limit = 0}), std::invalid_argument);
    EXPECT_EQ(co_await reader.read(1), "");
  });
}

TEST(Step3_Read, CopiesAreHandlesOfTheSameStream) {
  on_a_loop([]() -> Coro<> {
    const StreamReader reader;
    const StreamReader copy = reader;
    const Task<std::string> read = create_task(StreamReader(reader).read(10));
    co_await sleep(0s);
    copy.feed_data("shared");
    EXPECT_EQ(co_await read, "shared");
  });
}
