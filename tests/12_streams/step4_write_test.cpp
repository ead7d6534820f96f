// Chapter 12, step 4: a writer, its buffer, and its water marks.

#include "stream_writer.hpp"

#include "support.hpp"

#include "failing_calls.hpp"

COURSE_MAY_FAIL(ssize_t, send, (int fd, const void* bytes, std::size_t size, int flags),
                (fd, bytes, size, flags))

using asyncio::make_streams;
using asyncio::StreamReader;
using asyncio::StreamWriter;
using asyncio::WriteLimits;

namespace {

/// Runs `main(reader, writer, far)` on a loop: the streams of a socket, and its peer.
template <class F>
void with_streams(F main) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    auto [reader, writer] = make_streams(std::move(near));
    co_await main(reader, writer, far);
  });
  EXPECT_EQ(e.told, Log{});
}

/// Takes what comes until a task that drains goes on, at the latest when nothing is left to be sent.
template <class Peer = Fd>
Coro<> take_until_done(const Peer& far, const StreamWriter& writer, const Task<>& drains) {
  while (!drains.done() && writer.get_write_buffer_size() > 0) {
    get(far);
    co_await passes(1);
  }
  co_await passes(2);
  EXPECT_TRUE(drains.done()) << writer.get_write_buffer_size() << " bytes are left, and the low mark is "
                             << writer.get_write_buffer_limits().low;
}

/// Awaits it, and logs that.
template <class A>
Coro<> note(Log& log, std::string what, A awaitable) {
  const std::string error = co_await error_when(std::move(awaitable));
  log.push_back(what + (error == "nothing" ? "" : ": " + error));
}

}  // namespace

TEST(Step4_Write, WhatIsWrittenArrivesInOrder) {  // AIO-102
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    writer.write("one ");
    writer.write("");
    writer.write("two ");
    co_await passes(2);
    writer.write("three");
    EXPECT_EQ(co_await take(far, 13), "one two three");
  });
}

TEST(Step4_Write, ForWhatThereIsNoRoomIsSentLater) {  // AIO-102
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    const std::string text = long_text(3'000'000);
    writer.write(text.substr(0, 1'000'000));
    writer.write(text.substr(1'000'000));
    co_await passes(2);
    EXPECT_GT(writer.get_write_buffer_size(), 1'000'000u);
    EXPECT_TRUE(co_await take(far, text.size()) == text) << "each byte once, and in order";
    co_await passes(2);
    EXPECT_EQ(writer.get_write_buffer_size(), 0u);
    EXPECT_FALSE(get_running_loop().remove_writer(writer.socket().get())) << "nobody waits for room any more";
    writer.write("and on");
    EXPECT_EQ(co_await take(far, 6), "and on");
  });
}

TEST(Step4_Write, IfThereIsNoRoomAfterAllItIsSentLater) {  // AIO-102
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    const std::size_t filled = fill(writer.socket());
    writer.write("the rest");
    send_calls.reset();
    const course::CallsFail fails(send_calls, EAGAIN, 2);
    std::string all = get(far);
    co_await until([&] { return send_calls.count() >= 2; });
    EXPECT_EQ(writer.get_write_buffer_size(), 8u) << "nothing has gone";
    while (all.size() < filled + 8) {
      all += get(far);
      co_await passes(1);
    }
    EXPECT_TRUE(all.ends_with("the rest"));
  });
}

TEST(Step4_Write, TheBytesAreCopied) {  // AIO-102
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    std::string text = "before";
    writer.write(text);
    text = "after!";
    EXPECT_EQ(co_await take(far, 6), "before");
  });
}

TEST(Step4_Write, SeveralPiecesAreSentOneBehindTheOther) {  // AIO-102
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    writer.writelines(std::vector<std::string>{"GET / HTTP/1.0\r\n", "", "\r\n"});
    EXPECT_EQ(co_await take(far, 18), "GET / HTTP/1.0\r\n\r\n");
  });
}

TEST(Step4_Write, DrainDoesNotWaitUpToTheHighMark) {  // AIO-105 AIO-106
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    fill(writer.socket());
    writer.set_write_buffer_limits({.high = 100});
    writer.write(std::string(100, 'x'));
    const Task<> drained = create_task(writer.drain());
    co_await sleep(0s);
    EXPECT_TRUE(drained.done()) << "without a pass";
    writer.write("x");
    const Task<> next = create_task(writer.drain());
    co_await passes(3);
    EXPECT_FALSE(next.done()) << "101 bytes are above the mark";
    co_await take_until_done(far, writer, next);
    EXPECT_LE(writer.get_write_buffer_size(), 25u);
  });
}

TEST(Step4_Write, DrainWaitsUntilTheLowMark) {  // AIO-105 AIO-106
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    fill(writer.socket());
    writer.set_write_buffer_limits({.high = 200'000, .low = 100'000});
    writer.write(std::string(1'000'000, 'x'));
    const Task<> drained = create_task(writer.drain());
    co_await passes(1);
    bool above = false;
    while (!drained.done()) {
      above = writer.get_write_buffer_size() > 100'000;
      get(far, 10'000);
      co_await passes(1);
    }
    EXPECT_TRUE(above);
    EXPECT_LE(writer.get_write_buffer_size(), 100'000u);
    EXPECT_GT(writer.get_write_buffer_size(), 0u) << "and not until all was sent";
  });
}

TEST(Step4_Write, BetweenTheMarksItWaitsOn) {  // AIO-105
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    fill(writer.socket());
    writer.set_write_buffer_limits({.high = 2'000'000, .low = 0});
    writer.write(std::string(2'000'001, 'x'));
    const Task<> drained = create_task(writer.drain());
    while (writer.get_write_buffer_size() > 1'000'000) {
      EXPECT_FALSE(drained.done());
      get(far, 10'000);
      co_await passes(1);
    }
    co_await passes(2);
    EXPECT_FALSE(drained.done()) << "half of it is left";
    co_await take_until_done(far, writer, drained);
    EXPECT_EQ(writer.get_write_buffer_size(), 0u);
  });
}

TEST(Step4_Write, BelowTheLowMarkItIsWokenOnceAndNoMore) {  // AIO-105
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    fill(writer.socket());
    writer.set_write_buffer_limits({.high = 100, .low = 50});
    writer.write(std::string(101, 'x'));
    const Task<> drained = create_task(writer.drain());
    co_await sleep(0s);
    co_await take_until_done(far, writer, drained);
    fill(writer.socket());
    writer.write(std::string(100, 'x'));
    const Task<> again = create_task(writer.drain());
    co_await passes(1);
    EXPECT_TRUE(again.done()) << "there is room up to the high mark again";
  });
}

TEST(Step4_Write, AllWhoDrainAreWoken) {  // AIO-106
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    fill(writer.socket());
    writer.set_write_buffer_limits({.high = 0});
    writer.write("full");
    Log log;
    const Task<> a = create_task(note(log, "a", writer.drain()));
    const Task<> b = create_task(note(log, "b", writer.drain()));
    const Task<> c = create_task(note(log, "c", writer.drain()));
    co_await passes(2);
    EXPECT_EQ(log, Log{}) << "four bytes are above the high mark";
    co_await take_until_done(far, writer, c);
    EXPECT_EQ(log, (Log{"a", "b", "c"}));
  });
}

TEST(Step4_Write, WhoWasWokenGoesOnThoughItIsFullAgain) {  // AIO-106
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    fill(writer.socket());
    writer.set_write_buffer_limits({.high = 100});
    writer.write(std::string(101, 'x'));
    const auto drain_and_fill = [](StreamWriter to) -> Coro<> {
      co_await to.drain();
      to.write(std::string(1'000'000, 'x'));
    };
    const Task<> one = create_task(drain_and_fill(writer));
    const Task<> other = create_task(drain_and_fill(writer));
    co_await passes(2);
    EXPECT_FALSE(one.done() || other.done()) << "101 bytes are above the mark";
    while (!one.done() && !other.done()) {
      get(far);
      co_await passes(1);
    }
    co_await passes(3);
    EXPECT_TRUE(one.done() && other.done())
        << "the other was woken as well: if it waited again, it might never get its turn";
  });
}

TEST(Step4_Write, ADrainThatIsCancelledLeavesTheOthers) {  // AIO-106
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    fill(writer.socket());
    writer.set_write_buffer_limits({.high = 0});
    writer.write("full");
    Log log;
    Task<> a = create_task(note(log, "a", writer.drain()));
    const Task<> b = create_task(note(log, "b", writer.drain()));
    co_await passes(2);
    a.cancel();
    co_await passes(2);
    EXPECT_EQ(log, Log{"a: cancelled"}) << "there is no room yet";
    co_await take_until_done(far, writer, b);
    EXPECT_EQ(log, (Log{"a: cancelled", "b"}));
  });
}

TEST(Step4_Write, TheMarksCanBeSet) {  // AIO-105
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    EXPECT_EQ(writer.get_write_buffer_limits().high, 65536u);
    EXPECT_EQ(writer.get_write_buffer_limits().low, 16384u);
    writer.set_write_buffer_limits({.high = 1000});
    EXPECT_EQ(writer.get_write_buffer_limits().low, 250u);
    EXPECT_THROW(writer.set_write_buffer_limits({.high = 10, .low = 11}), std::invalid_argument);
    EXPECT_EQ(writer.get_write_buffer_limits().high, 1000u);
    fill(writer.socket());
    writer.write(std::string(500, 'x'));
    co_await writer.drain();
    writer.set_write_buffer_limits({.high = 400});
    const Task<> drained = create_task(writer.drain());
    co_await passes(2);
    EXPECT_FALSE(drained.done()) << "now 500 are too many";
    co_await take_until_done(far, writer, drained);
  });
}

TEST(Step4_Write, TheEndOfWhatIsWrittenComesBehindTheLastByte) {  // AIO-104
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    EXPECT_TRUE(writer.can_write_eof());
    const std::string text = long_text(1'000'000);
    writer.write(text);
    writer.write_eof();
    writer.write_eof();
    EXPECT_THROW(writer.write("more"), std::runtime_error);
    EXPECT_TRUE(co_await take(far, text.size()) == text);
    co_await until([&] { return at_end(far); });
    EXPECT_FALSE(writer.is_closing()) << "it can still read";
  });
}

TEST(Step4_Write, WithNothingToSendTheEndComesAtOnce) {  // AIO-104
  with_streams([](StreamReader, StreamWriter writer, Fd& far) -> Coro<> {
    writer.write("all");
    EXPECT_EQ(co_await take(far, 3), "all");
    co_await passes(1);
    writer.write_eof();
    EXPECT_TRUE(at_end(far));
  });
}

TEST(Step4_Write, WhoTheyAreIsKnown) {  // AIO-114
  EpollLoop e;
  auto [near, far] = tcp_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const std::string mine = SocketAddress::of_self(near).text();
    const std::string theirs = SocketAddress::of_self(far).text();
    auto [reader, writer] = make_streams(std::move(near));
    writer.write("it");
    co_await writer.drain();
    EXPECT_EQ(writer.get_extra_info("sockname"), mine);
    EXPECT_EQ(writer.get_extra_info("peername"), theirs);
    EXPECT_EQ(writer.get_extra_info("sslcontext"), "");
    EXPECT_EQ(co_await take(far, 2), "it");
  });
}
