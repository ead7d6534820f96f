// Chapter 12, step 5: both ways.

#include "stream_writer.hpp"

#include "support.hpp"

#include <optional>

#include "failing_calls.hpp"

COURSE_MAY_FAIL(ssize_t, recv, (int fd, void* room, std::size_t size, int flags), (fd, room, size, flags))

using asyncio::IncompleteReadError;
using asyncio::make_streams;
using asyncio::StreamReader;
using asyncio::Streams;
using asyncio::StreamWriter;

namespace {

/// Runs `main(streams, far)` on a loop: the streams of a socket, and its peer. No descriptor is left open.
template <class F>
void with_streams(std::pair<Fd, Fd> pair, F main, const asyncio::StreamOptions& options = {}) {
  EpollLoop e;
  e.run([&]() -> Coro<> { co_await main(make_streams(std::move(pair.first), options), pair.second); });
  EXPECT_EQ(e.told, Log{});
}

std::error_code code_of(const Task<std::string>& task) {
  return ::code_of([&] { (void)task.result(); });
}

}  // namespace

TEST(Step5_Connection, WhatComesIsRead) {  // AIO-101
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    const Task<std::string> line = create_task(s.reader.readline());
    co_await passes(2);
    put(far, "hello, ");
    co_await passes(2);
    EXPECT_FALSE(line.done());
    put(far, "world\nmore");
    EXPECT_EQ(co_await line, "hello, world\n");
    EXPECT_EQ(co_await s.reader.read(10), "more");
  });
}

TEST(Step5_Connection, ByteByByteAMessageIsWhole) {
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    const std::string text = long_text(2'000) + "\n";
    const Task<std::string> line = create_task(s.reader.readline());
    for (const char byte : text) {
      put(far, std::string(1, byte));
      co_await passes(1);
    }
    EXPECT_EQ(co_await line, text);
  });
}

TEST(Step5_Connection, ThePeersEndIsHalfTheEnd) {  // AIO-101 AIO-104
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    put(far, "question");
    ::shutdown(far.get(), SHUT_WR);
    EXPECT_EQ(co_await s.reader.read(), "question");
    EXPECT_TRUE(s.reader.at_eof());
    EXPECT_FALSE(s.writer.is_closing());
    s.writer.write("answer");
    co_await s.writer.drain();
    co_await passes(3);
    EXPECT_EQ(get(far), "answer");
    EXPECT_FALSE(get_running_loop().remove_reader(s.writer.socket().get()))
        << "the end is there for ever: to watch for it would keep the loop busy";
    s.writer.close();
    co_await s.writer.wait_closed();
    EXPECT_TRUE(at_end(far));
  });
}

TEST(Step5_Connection, OurEndIsHalfTheEndToo) {  // AIO-104
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    s.writer.write("question");
    s.writer.write_eof();
    co_await passes(3);
    EXPECT_EQ(get(far), "question");
    EXPECT_TRUE(at_end(far));
    put(far, "answer");
    EXPECT_EQ(co_await s.reader.read(10), "answer");
  });
}

TEST(Step5_Connection, AnEndInTheMiddleOfALineIsNoLine) {  // AIO-110
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    put(far, "half a li");
    far.close();
    EXPECT_THROW(co_await s.reader.readuntil("\n"), IncompleteReadError);
    EXPECT_TRUE(s.reader.at_eof());
  });
}

TEST(Step5_Connection, AResetInTheMiddleOfALineIsAnError) {  // AIO-101 AIO-112
  with_streams(tcp_pair(), [](Streams s, Fd& far) -> Coro<> {
    const Task<std::string> line = create_task(s.reader.readline());
    put(far, "half a li");
    co_await until([&] { return s.reader.buffered() > 0; });
    reset(std::move(far));
    EXPECT_NE(co_await error_when(line), "nothing");
    EXPECT_EQ(code_of(line), std::errc::connection_reset);
    EXPECT_TRUE(s.writer.is_closing());
    EXPECT_FALSE(s.writer.socket()) << "nobody needs it any more";
    const Task<std::string> again = create_task(s.reader.read(1));
    EXPECT_NE(co_await error_when(again), "nothing") << "and so is each later read";
    s.writer.write("nobody hears this");
    EXPECT_NE(co_await error_when(s.writer.drain()), "nothing");
    EXPECT_NE(co_await error_when(s.writer.wait_closed()), "nothing");
  });
}

TEST(Step5_Connection, AResetWakesWhoDrainsAndWhoWaitsForTheEnd) {  // AIO-106 AIO-112
  with_streams(tcp_pair(), [](Streams s, Fd& far) -> Coro<> {
    fill(s.writer.socket());
    s.writer.set_write_buffer_limits({.high = 0});
    s.writer.write("full");
    const Task<> drained = create_task(s.writer.drain());
    const Task<> closed = create_task(s.writer.wait_closed());
    co_await passes(3);
    EXPECT_FALSE(drained.done());
    reset(std::move(far));
    EXPECT_NE(co_await error_when(drained), "nothing");
    EXPECT_EQ(::code_of([&] { drained.result(); }), std::errc::connection_reset);
    EXPECT_NE(co_await error_when(closed), "nothing");
    const Task<std::string> read = create_task(s.reader.read(1));
    EXPECT_NE(co_await error_when(read), "nothing");
  });
}

TEST(Step5_Connection, APeerThatReadsNoMoreIsAnErrorOfTheWriter) {  // AIO-102
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    far.close();
    EXPECT_EQ(co_await s.reader.read(), "") << "for the reader it is an end like any other";
    EXPECT_FALSE(s.writer.is_closing());
    s.writer.write("is anybody there?");
    co_await passes(2);
    EXPECT_TRUE(s.writer.is_closing());
    const Task<> drained = create_task(s.writer.drain());
    EXPECT_NE(co_await error_when(drained), "nothing");
    EXPECT_EQ(::code_of([&] { drained.result(); }), std::errc::broken_pipe) << "which is why it was lost";
    const Task<std::string> read = create_task(s.reader.read(1));
    EXPECT_NE(co_await error_when(read), "nothing");
    EXPECT_EQ(code_of(read), std::errc::broken_pipe);
  });
}

TEST(Step5_Connection, APeerThatGoesBeforeItHasTheRestIsAnErrorToo) {  // AIO-102 AIO-106
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    ::shutdown(far.get(), SHUT_WR);
    EXPECT_EQ(co_await s.reader.read(), "");  // so it is the writer that finds out
    fill(s.writer.socket());
    s.writer.set_write_buffer_limits({.high = 0});
    s.writer.write("the rest");
    const Task<> drained = create_task(s.writer.drain());
    const Task<> closed = create_task(s.writer.wait_closed());
    co_await passes(3);
    EXPECT_FALSE(drained.done());
    far.close();
    EXPECT_NE(co_await error_when(drained), "nothing");
    EXPECT_NE(co_await error_when(closed), "nothing");
    EXPECT_NE(co_await error_when(s.reader.read(1)), "nothing");
    EXPECT_FALSE(s.writer.socket());
  });
}

TEST(Step5_Connection, NothingAfterAllIsNoEnd) {  // AIO-101
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    const Task<std::string> line = create_task(s.reader.readline());
    put(far, "one ");
    recv_calls.reset();
    const course::CallsFail fails(recv_calls, EAGAIN, 2);
    co_await until([] { return recv_calls.count() >= 2; });
    EXPECT_FALSE(line.done());
    put(far, "line\n");
    EXPECT_EQ(co_await line, "one line\n");
  });
}

TEST(Step5_Connection, AnyErrorInReadingLosesIt) {  // AIO-101 AIO-112
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    const Task<std::string> read = create_task(s.reader.read(10));
    put(far, "x");
    const course::CallsFail fails(recv_calls, ETIMEDOUT);
    EXPECT_NE(co_await error_when(read), "nothing");
    EXPECT_EQ(code_of(read), std::errc::timed_out);
    EXPECT_FALSE(s.writer.socket());
    EXPECT_NE(co_await error_when(s.writer.wait_closed()), "nothing");
  });
}

TEST(Step5_Connection, WithoutMemoryForWhatHasComeItIsLostAndHasNoGap) {  // AIO-101
  const std::string text = long_text(40'000);
  course::until_memory_suffices([&](course::Memory& memory) {
    EpollLoop e;
    auto [near, far] = socket_pair();
    std::optional<Streams> s;
    e.run([&, &near = near]() -> Coro<> {
      s = make_streams(std::move(near));
      co_await passes(1);
    });
    put(far, text);
    (void)memory.suffices_for([&] { e.run([] { return passes(2); }); });
    ::send(far.get(), "the end", 7, MSG_NOSIGNAL);  // if there is anybody
    far.close();
    const std::string error = e.run([&]() -> Coro<std::string> {
      std::string all;
      const auto read = [&]() -> Coro<> { all = co_await s->reader.read(); };
      const std::string told = co_await error_when(read());
      EXPECT_TRUE(told != "nothing" || all == text + "the end") << all.size() << " bytes, and no error";
      co_return told;
    });
    EXPECT_TRUE(memory.ran_out() || error == "nothing") << error;
  });
}

TEST(Step5_Connection, BytesThatComeBeforeTheEndAreRead) {  // AIO-101
  with_streams(tcp_pair(), [](Streams s, Fd& far) -> Coro<> {
    const std::string text = long_text(50'000);
    put(far, text);
    far.close();
    EXPECT_TRUE(co_await s.reader.read() == text);
  });
}

TEST(Step5_Connection, UnreadBytesDoNotKeepItOpen) {  // AIO-113
  const NoDescriptorIsLeft none_is_left_open;
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    put(far, "never read");
    co_await until([&] { return s.reader.buffered() > 0; });
    s.writer.close();
    co_await s.writer.wait_closed();
    EXPECT_FALSE(s.reader.at_eof());
    EXPECT_EQ(co_await s.reader.read(), "never read") << "what has come before can be read even now";
    EXPECT_TRUE(s.reader.at_eof());
  });
}

TEST(Step5_Connection, WhileItClosesNothingIsRead) {  // AIO-103 AIO-104
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    put(far, "first");
    EXPECT_EQ(co_await s.reader.read(5), "first");
    fill(s.writer.socket());
    s.writer.write("rest");
    s.writer.close();
    put(far, "too late");
    const Task<std::string> read = create_task(s.reader.read(10));
    co_await passes(3);
    EXPECT_EQ(s.reader.buffered(), 0u);
    EXPECT_FALSE(read.done());
    while (!read.done()) {
      get(far);
      co_await passes(1);
    }
    EXPECT_EQ(co_await read, "") << "the end, when all was sent";
  });
}

TEST(Step5_Connection, ACancelledReadLosesNothingHere) {  // AIO-100
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    Task<std::string> line = create_task(s.reader.readline());
    put(far, "half a ");
    co_await until([&] { return s.reader.buffered() > 0; });
    line.cancel();
    EXPECT_EQ(co_await error_when(line), "cancelled");
    Task<std::string> exactly = create_task(s.reader.readexactly(100));
    co_await passes(2);
    exactly.cancel();
    EXPECT_EQ(co_await error_when(exactly), "cancelled");
    put(far, "line\n");
    EXPECT_EQ(co_await s.reader.readline(), "half a line\n");
  });
}

TEST(Step5_Connection, AReaderAloneKeepsNothingOpen) {
  const NoDescriptorIsLeft none_is_left_open;
  with_streams(socket_pair(), [](Streams s, Fd& far) -> Coro<> {
    put(far, "left behind");
    co_await until([&] { return s.reader.buffered() > 0; });
    const StreamReader reader = s.reader;
    { const Streams gone = std::move(s); }
    EXPECT_TRUE(at_end(far)) << "its last writer has gone";
    EXPECT_EQ(co_await reader.read(), "left behind");
  });
}
