// Chapter 12, step 8: what a connection costs.

#include "stream_server.hpp"
#include "stream_writer.hpp"

#include "support.hpp"

#include <malloc.h>
#include <sys/epoll.h>

#include <algorithm>
#include <functional>

#include "allocations.hpp"
#include "failing_calls.hpp"
#include "sanitizers.hpp"

using asyncio::make_streams;
using asyncio::StreamReader;
using asyncio::Streams;
using asyncio::StreamWriter;
using course::allocations_in;

COURSE_MAY_FAIL(ssize_t, recv, (int fd, void* room, std::size_t size, int flags), (fd, room, size, flags))
COURSE_MAY_FAIL(ssize_t, send, (int fd, const void* bytes, std::size_t size, int flags),
                (fd, bytes, size, flags))
COURSE_MAY_FAIL(int, epoll_ctl, (int epoll, int what, int fd, epoll_event* event), (epoll, what, fd, event))

namespace {

constexpr int rounds = 500;

/// True where a sanitizer's own memory does not stand in the way of a measurement.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool memory_can_be_measured = false;
#else
constexpr bool memory_can_be_measured = true;
#endif

/// Returns how many bytes are allocated now.
std::size_t bytes_in_use() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

/// Answers each line with itself.
Coro<> echo_lines(StreamReader reader, StreamWriter writer) {
  while (true) {
    const std::string line = co_await reader.readline();
    if (line.empty()) co_return;
    writer.write(line);
    co_await writer.drain();
  }
}

/// Asks the peer of `far` so many times, with read() and write(), which are not counted.
Coro<> ask(const Fd& far, int times) {
  std::array<char, 100> room{};
  for (int i = 0; i < times; ++i) {
    EXPECT_EQ(::write(far.get(), "request\n", 8), 8);
    ssize_t size = -1;
    co_await until([&] { return (size = ::read(far.get(), room.data(), room.size())) > 0; });
    EXPECT_EQ(size, 8);
  }
}

/// Serves so many connections, and does nothing else. @returns the bytes of each
double bytes_of_idle_connections(std::size_t count, std::function<void(const std::vector<Fd>&)> before) {
  EpollLoop e;
  std::vector<std::pair<Fd, Fd>> pairs;
  std::vector<Fd> peers;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(socket_pair());
    peers.push_back(std::move(pairs.back().second));
  }
  double each = 0;
  e.run([&]() -> Coro<> {
    {
      auto [near, far] = socket_pair();  // the first one finds everything empty
      create_task(echo_lines(StreamReader(), make_streams(std::move(near)).writer));
      co_await passes(3);
    }
    const std::size_t without = bytes_in_use();
    for (auto& [near, gone] : pairs) {
      const Streams s = make_streams(std::move(near));
      create_task(echo_lines(s.reader, s.writer));
    }
    co_await passes(3);
    before(peers);
    co_await passes(200);
    for (const Fd& peer : peers)
      for (std::string some = "some"; !some.empty();) some = get(peer);
    co_await passes(3);
    each = static_cast<double>(bytes_in_use() - without) / static_cast<double>(count);
  });
  return each;
}

}  // namespace

TEST(Step8_Costs, WhatIsWrittenIsSentAtOnce) {  // AIO-102
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near));
    s.writer.write("hello");
    EXPECT_EQ(get(far), "hello") << "before anything else happens";
    EXPECT_EQ(s.writer.get_write_buffer_size(), 0u);
    EXPECT_FALSE(e.loop.remove_writer(s.writer.socket().get())) << "nobody waits for room";
    co_await s.writer.drain();
  });
}

TEST(Step8_Costs, OnlyTheRestWaits) {  // AIO-102
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near));
    const std::string text = long_text(1'000'000);
    s.writer.write(text);
    EXPECT_LT(s.writer.get_write_buffer_size(), text.size());
    EXPECT_GT(s.writer.get_write_buffer_size(), 0u);
    std::string all = get(far);
    s.writer.write("behind the rest");
    while (all.size() < text.size() + 15) {
      all += get(far);
      co_await passes(1);
    }
    EXPECT_TRUE(all == text + "behind the rest") << "though there was room for it earlier";
  });
}

TEST(Step8_Costs, AnErrorIsSeenAtOnceToo) {  // AIO-102
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near));
    s.writer.write("x");
    far.close();
    s.writer.write("is anybody there?");
    EXPECT_TRUE(s.writer.is_closing());
    EXPECT_TRUE(s.reader.exception());
    EXPECT_NE(co_await error_when(s.writer.drain()), "nothing");
  });
}

TEST(Step8_Costs, WhatCannotBeKeptLeavesNoGap) {  // AIO-102
  const std::string text = long_text(1'000'000);
  // Writes a text, which `fails` lets fail, and then more.
  const auto no_gap_where = [&](auto fails) {
    EpollLoop e;
    auto [near, far] = socket_pair();
    e.run([&, &near = near, &far = far]() -> Coro<> {
      const Streams s = make_streams(std::move(near));
      bool thrown = false;
      try {
        fails([&] { s.writer.write(text); });
      } catch (const std::exception&) {
        thrown = true;
      }
      s.writer.write(" and more");
      s.writer.close();
      std::string all;
      for (bool ended = false; !ended; ended = at_end(far)) {
        all += get(far);
        co_await passes(1);
      }
      const bool lost = s.reader.exception() != nullptr;
      EXPECT_TRUE(lost ? text.starts_with(all) : all == (thrown ? "" : text) + " and more")
          << all.size() << " bytes have come, and what could not be kept is missing among them";
    });
  };
  const int failed = course::until_memory_suffices(
      [&](course::Memory& memory) { no_gap_where([&](auto write) { memory.runs_out_in(write); }); });
  EXPECT_GT(failed, 0);
  no_gap_where([](auto write) {
    const course::CallsFail fails(epoll_ctl_calls, ENOSPC);
    write();
  });
}

TEST(Step8_Costs, ARequestIsOneReadAndOneWrite) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near));
    const Task<> echoes = create_task(echo_lines(s.reader, s.writer));
    co_await ask(far, 10);
    recv_calls.reset();
    send_calls.reset();
    epoll_ctl_calls.reset();
    co_await ask(far, rounds);
    EXPECT_EQ(recv_calls.count(), rounds);
    EXPECT_EQ(send_calls.count(), rounds);
    EXPECT_EQ(epoll_ctl_calls.count(), 0);
    ::shutdown(far.get(), SHUT_WR);
    co_await echoes;
  });
}

TEST(Step8_Costs, SeveralPiecesAreOneWrite) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near]() -> Coro<> {
    const Streams s = make_streams(std::move(near));
    const std::vector<std::string> pieces = {"one", "two", "three"};
    send_calls.reset();
    s.writer.writelines(pieces);
    co_await passes(3);
    EXPECT_EQ(send_calls.count(), 1);
  });
}

TEST(Step8_Costs, ASmallRequestAllocatesNothing) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams s = make_streams(std::move(near));
    const Task<> echoes = create_task(echo_lines(s.reader, s.writer));
    co_await ask(far, 100);
    const std::size_t before = course::allocations();
    co_await ask(far, rounds);
    const std::size_t allocated = course::allocations() - before;
    if (!asyncio::address_sanitizer) {
      EXPECT_LE(allocated, 5u) << "in " << rounds << " requests";
    }
    ::shutdown(far.get(), SHUT_WR);
    co_await echoes;
  });
}

TEST(Step8_Costs, AnIdleConnectionTakesLessThanFourKibibytes) {
  const double each = bytes_of_idle_connections(300, [](const std::vector<Fd>&) {});
  std::printf("an idle connection takes %.0f bytes\n", each);
  if (memory_can_be_measured) {
    EXPECT_LT(each, 4096);
  }
}

TEST(Step8_Costs, AfterABurstItDoesSoAgain) {
  const double each = bytes_of_idle_connections(300, [](const std::vector<Fd>& peers) {
    const std::string lines = std::string(30'000, 'x') + "\nand a short one\n";
    for (const Fd& peer : peers) put(peer, lines);
  });
  if (memory_can_be_measured) {
    EXPECT_LT(each, 4096);
  }
}

TEST(Step8_Costs, AGigabyteForAReaderThatStopsTakesLessThanAMebibyte) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Streams from = make_streams(std::move(near));
    const Streams to = make_streams(std::move(far));
    const std::string block(16'384, 'x');
    const std::size_t before = bytes_in_use();
    const auto pour = [&]() -> Coro<> {
      for (std::size_t written = 0; written < std::size_t(1) << 30; written += block.size()) {
        from.writer.write(block);
        co_await from.writer.drain();
      }
    };
    Task<> poured = create_task(pour());
    std::size_t seen = 1;
    while (seen != to.reader.buffered() + from.writer.get_write_buffer_size()) {
      seen = to.reader.buffered() + from.writer.get_write_buffer_size();
      co_await passes(20);
    }
    EXPECT_FALSE(poured.done());
    if (memory_can_be_measured) {
      EXPECT_LT(bytes_in_use() - before, std::size_t(1) << 20);
    }
    poured.cancel();
    EXPECT_EQ(co_await error_when(poured), "cancelled");
  });
}
