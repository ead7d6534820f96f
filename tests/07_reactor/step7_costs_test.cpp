// Chapter 07, step 7: what it costs.

#include "echo_server.hpp"
#include "support.hpp"
#include "system_calls.hpp"

#include <fcntl.h>

#include <array>
#include <csignal>
#include <functional>
#include <optional>

COURSE_MAY_FAIL(int, epoll_ctl, (int epoll, int what, int fd, epoll_event* event), (epoll, what, fd, event))
COURSE_MAY_FAIL(ssize_t, read, (int fd, void* room, std::size_t size), (fd, room, size))
COURSE_MAY_FAIL(ssize_t, write, (int fd, const void* bytes, std::size_t size), (fd, bytes, size))

using asyncio::EchoServer;

TEST(Step7_MakeItFast, AMessageCostsOneReadAndOneWriteAndNoAllocation) {
  EpollLoop e;
  EchoServer server(e.loop, listen_tcp(0));
  const Fd client = client_of(server.port());
  const auto round = [&] {
    put(client, "hello");
    e.run_once();
  };
  round();
  round();
  received = sent = looks = 0;
  epoll_ctl_calls.reset();
  EXPECT_EQ(course::allocations_in(round), 0u);
  EXPECT_EQ(received, 1);
  EXPECT_EQ(sent, 1);
  EXPECT_EQ(looks, 1);
  EXPECT_EQ(epoll_ctl_calls.count(), 0) << "there is room to write nearly always: it need not be waited for";
}

TEST(Step7_MakeItFast, WhatHasBeenSentTakesNoMemory) {
  EpollLoop e;
  EchoServer server(e.loop, listen_with_little_room());
  const Fd client = client_of(server.port(), Buffer::tiny);
  ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
  const auto send_and_then_read = [&, text = long_text(65'536)] {
    std::size_t size = 0;
    for (ssize_t part = 0; (part = ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL)) > 0;) {
      size += static_cast<std::size_t>(part);
      e.run_once();
    }
    for (std::array<char, 65'536> room{}; size > 0; e.run_once()) {
      const ssize_t part = ::recv(client.get(), room.data(), room.size(), 0);
      size -= part < 0 ? 0 : static_cast<std::size_t>(part);
    }
  };
  for (int i = 0; i < 3; ++i) send_and_then_read();
  EXPECT_GT(course::allocations_in(send_and_then_read), 0u) << "the memory of a rest that was sent is kept";
}

TEST(Step7_MakeItFast, AWakeUpIsOneWriteAndNothingIsRead) {
  EpollSelector selector;
  const auto round = [&] {
    selector.wake();
    selector.select(std::nullopt);
  };
  round();
  for (course::SystemCalls* calls : {&read_calls, &write_calls, &epoll_ctl_calls}) calls->reset();
  looks = 0;
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(write_calls.count(), 10);
  EXPECT_EQ(looks, 10);
  EXPECT_EQ(read_calls.count(), 0) << "epoll tells of each wake-up once, if it is asked to";
  EXPECT_EQ(epoll_ctl_calls.count(), 0);
}

TEST(Step7_MakeItFast, WithoutSignalHandlersThereIsNoCounterForSignals) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  e.loop.add_reader(here.get(), [&] { (void)get(here); });
  const int descriptors = course::open_descriptors();
  put(there, "hello");
  e.run_once();
  EXPECT_EQ(course::open_descriptors(), descriptors);
  e.loop.add_signal_handler(SIGUSR1, [] {});
  EXPECT_GE(course::open_descriptors(), descriptors);
}

TEST(Step7_MakeItFast, ToReadAndToAnswerAllocatesNothing) {
  EpollLoop e;
  const auto [here, there] = socket_pair();
  e.loop.add_reader(here.get(), [&] { (void)get(here); });
  const auto round = [&] {
    put(there, "hello");
    e.run_once();
  };
  round();
  EXPECT_EQ(course::allocations_in([&] {
              for (int i = 0; i < 100; ++i) round();
            }),
            0u);
}

TEST(Step7_MakeItFast, ABusyLoopSeldomAsksTheSystem) {
  EpollLoop e;
  int left = 6'400;
  std::function<void()> again = [&] {
    if (--left > 0)
      e.loop.call_soon(std::ref(again));
    else
      e.loop.stop();
  };
  e.loop.call_soon(std::ref(again));
  looks = 0;
  e.loop.run_forever();
  EXPECT_GE(looks, 90);
  EXPECT_LE(looks, 110) << "once in 64 callbacks";
}
