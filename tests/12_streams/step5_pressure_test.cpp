// Chapter 12, step 5: back-pressure, both ways.

#include "stream_writer.hpp"

#include "support.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <limits>

#include "failing_calls.hpp"

COURSE_MAY_FAIL(int, epoll_ctl, (int epoll, int what, int fd, epoll_event* event), (epoll, what, fd, event))

using asyncio::make_streams;
using asyncio::StreamReader;
using asyncio::Streams;
using asyncio::StreamWriter;

namespace {

/// Both ends of a connection on one loop.
struct Both {
  EpollLoop e;
  std::pair<Fd, Fd> ends = socket_pair();

  /// Runs `main(one, other)`.
  template <class F>
  void run(F main, const asyncio::StreamOptions& options = {}) {
    e.run([&]() -> Coro<> {
      co_await main(make_streams(std::move(ends.first), options),
                    make_streams(std::move(ends.second), options));
    });
    EXPECT_EQ(e.told, Log{});
  }
};

/// Writes a text again and again, `total` bytes, and drains. Notes in `most` how much was not sent, at most.
Coro<> pour(StreamWriter writer, std::size_t total, std::size_t& most) {
  const std::string block(16'384, 'x');
  for (std::size_t written = 0; written < total; written += block.size()) {
    writer.write(block);
    most = std::max(most, writer.get_write_buffer_size());
    co_await writer.drain();
  }
}

}  // namespace

TEST(Step5_Pressure, WhoReadsNothingIsSentNothing) {  // AIO-111
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near), {.limit = 10'000});
    std::size_t sent = 0;
    for (int i = 0; i < 50; ++i) {
      sent += fill(far);
      co_await passes(2);
    }
    EXPECT_GT(s.reader.buffered(), 20'000u) << "it holds twice the limit";
    EXPECT_LE(s.reader.buffered(), 20'000u + 65'536) << "and what came with the last of it";
    EXPECT_FALSE(e.loop.remove_reader(s.writer.socket().get())) << "then it is not watched any more";
    std::size_t received = 0;
    while (received < sent) received += (co_await s.reader.read(5'000)).size();
    EXPECT_EQ(received, sent) << "nothing is lost";
    const Task<std::string> next = create_task(s.reader.read(10));
    co_await passes(2);
    put(far, "on it goes");
    EXPECT_EQ(co_await next, "on it goes");
  });
}

TEST(Step5_Pressure, ItGoesOnAtTheLimitAndNotBefore) {  // AIO-111
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near), {.limit = 1'000});
    put(far, std::string(2'001, 'x'));
    co_await until([&] { return s.reader.buffered() == 2'001; });
    put(far, "y");
    co_await passes(3);
    EXPECT_EQ(s.reader.buffered(), 2'001u) << "more than twice the limit";
    co_await s.reader.readexactly(1'000);
    co_await passes(3);
    EXPECT_EQ(s.reader.buffered(), 1'001u) << "not yet";
    co_await s.reader.readexactly(1);
    co_await passes(3);
    EXPECT_EQ(s.reader.buffered(), 1'001u) << "a thousand and the one that has waited";
  });
}

TEST(Step5_Pressure, TwiceTheLimitIsNotTooMuch) {  // AIO-111
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near), {.limit = 1'000});
    put(far, std::string(2'000, 'x'));
    co_await until([&] { return s.reader.buffered() == 2'000; });
    put(far, "y");
    co_await until([&] { return s.reader.buffered() == 2'001; });
  });
}

TEST(Step5_Pressure, TheLargestLimitIsNeverReached) {  // AIO-111
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s =
        make_streams(std::move(near), {.limit = std::numeric_limits<std::size_t>::max() / 2 + 1});
    put(far, "x");
    co_await until([&] { return s.reader.buffered() == 1; });
    put(far, "y");
    co_await passes(3);
    EXPECT_EQ(s.reader.buffered(), 2u) << "twice the limit is more than there can be";
  });
}

TEST(Step5_Pressure, APeerThatSendsMuchDoesNotGetTheLoopForItself) {
  EpollLoop e;
  auto [near, far] = tcp_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    std::size_t sent = 0;
    for (std::size_t more = 1; more > 0; sent += more) {
      more = fill(far);
      course::wait_for(near);
    }
    const Streams s = make_streams(std::move(near), {.limit = 1 << 30});
    co_await until([&] { return s.reader.buffered() > 0; });
    EXPECT_LT(s.reader.buffered(), sent) << "it reads once, and others have their turn";
    while (s.reader.buffered() < sent) co_await passes(1);
  });
}

TEST(Step5_Pressure, IfItCannotGoOnWhatHadComeIsReadAndThenTheErrorComes) {  // AIO-111 AIO-112
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near), {.limit = 1'000});
    put(far, std::string(2'001, 'x'));
    co_await until([&] { return s.reader.buffered() == 2'001; });
    const course::CallsFail fails(epoll_ctl_calls, ENOSPC);
    EXPECT_EQ((co_await s.reader.readexactly(2'001)).size(), 2'001u);
    EXPECT_NE((co_await error_when(s.reader.read(1))).find("No space left"), std::string::npos);
    EXPECT_TRUE(s.writer.is_closing()) << "else who reads on would wait for ever";
  });
  // When a task has to wait for more, it is told as well.
  auto [next, far_of_next] = socket_pair();
  e.run([&, &near = next, &far = far_of_next]() -> Coro<> {
    const Streams s = make_streams(std::move(near), {.limit = 1'000});
    put(far, std::string(2'001, 'x'));
    co_await until([&] { return s.reader.buffered() == 2'001; });
    const course::CallsFail fails(epoll_ctl_calls, ENOSPC);
    EXPECT_NE((co_await error_when(s.reader.readexactly(3'000))).find("No space left"), std::string::npos);
  });
  EXPECT_EQ(e.told, Log{});
}

TEST(Step5_Pressure, AReaderThatNeedsMoreGetsMore) {  // AIO-111
  Both both;
  both.run(
      [](Streams one, Streams other) -> Coro<> {
        std::size_t most = 0;
        const Task<> poured = create_task(pour(one.writer, 1'048'576, most));
        EXPECT_EQ((co_await other.reader.readexactly(1'048'576)).size(), 1'048'576u)
            << "however small the limit is";
        co_await poured;
      },
      {.limit = 100});
}

TEST(Step5_Pressure, AnEndIsSeenThroughTheBytesBeforeIt) {  // AIO-111
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near), {.limit = 100});
    put(far, std::string(100'000, 'x'));
    far.close();
    co_await until([&] { return s.reader.buffered() > 200; });
    co_await passes(3);
    EXPECT_EQ((co_await s.reader.read()).size(), 100'000u);
    EXPECT_TRUE(s.reader.at_eof());
  });
}

TEST(Step5_Pressure, APausedConnectionCanBeClosed) {  // AIO-104
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near), {.limit = 100});
    put(far, std::string(100'000, 'x'));
    co_await until([&] { return s.reader.buffered() > 200; });
    s.writer.close();
    co_await s.writer.wait_closed();
    const std::string all = co_await s.reader.read();
    EXPECT_GT(all.size(), 200u);
    EXPECT_TRUE(s.reader.at_eof());
  });
  EXPECT_EQ(e.told, Log{});
}

TEST(Step5_Pressure, FiftyMegabytesAgainstAReaderThatStopsNowAndThen) {  // AIO-106 AIO-111
  Both both;
  both.run([](Streams one, Streams other) -> Coro<> {
    constexpr std::size_t total = 50 << 20;
    std::size_t most = 0;
    std::size_t most_buffered = 0;
    const Task<> poured = create_task(pour(one.writer, total, most));
    std::size_t received = 0;
    for (int i = 0; received < total; ++i) {
      if (i % 200 == 0) co_await passes(20);  // it stops for a while
      most_buffered = std::max(most_buffered, other.reader.buffered());
      received += (co_await other.reader.read(1 << 20)).size();
    }
    EXPECT_EQ(received, total);
    co_await poured;
    EXPECT_LE(most, 65'536u + 16'384) << "the high mark, and the piece that went above it";
    EXPECT_LE(most_buffered, 3 * 65'536u) << "twice the limit, and what came with the last of it";
  });
}

TEST(Step5_Pressure, AReaderThatNeverReadsStopsTheWriterForGood) {  // AIO-106 AIO-111
  Both both;
  both.run([](Streams one, Streams other) -> Coro<> {
    std::size_t most = 0;
    Task<> poured = create_task(pour(one.writer, std::size_t(1) << 30, most));
    std::size_t before = 1;
    while (before != other.reader.buffered() + one.writer.get_write_buffer_size()) {
      before = other.reader.buffered() + one.writer.get_write_buffer_size();
      co_await passes(20);
    }
    EXPECT_FALSE(poured.done());
    EXPECT_LT(before, std::size_t(1) << 20) << "of a gigabyte, less than a megabyte is in memory";
    poured.cancel();
    EXPECT_EQ(co_await error_when(poured), "cancelled");
    one.writer.abort();
    while (!(co_await other.reader.read(1 << 20)).empty()) {
    }
  });
}

TEST(Step5_Pressure, BothWaysAtATime) {  // AIO-106 AIO-111
  Both both;
  both.run([](Streams one, Streams other) -> Coro<> {
    constexpr std::size_t total = 4 << 20;
    const auto echo = [](Streams s) -> Coro<> {
      while (true) {
        const std::string some = co_await s.reader.read(10'000);
        if (some.empty()) co_return;
        s.writer.write(some);
        co_await s.writer.drain();
      }
    };
    const Task<> echoes = create_task(echo(std::move(other)));
    std::size_t most = 0;
    const auto ask = [&]() -> Coro<> {
      co_await pour(one.writer, total, most);
      one.writer.write_eof();
    };
    const Task<> asked = create_task(ask());
    EXPECT_EQ((co_await one.reader.read()).size(), total);
    co_await asked;
    co_await echoes;
    EXPECT_TRUE(one.reader.at_eof()) << "the echo has let its writer go";
  });
}
