// Chapter 12, step 1: a task waits for a socket.

#include "sock_io.hpp"

#include "support.hpp"

#include <sys/epoll.h>

#include "failing_calls.hpp"

COURSE_MAY_FAIL(int, epoll_ctl, (int epoll, int what, int fd, epoll_event* event), (epoll, what, fd, event))

TEST(Step1_SockIo, BytesThatComeLaterAreAwaited) {  // AIO-100
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &far = far, &near = near]() -> Coro<> {
    const Task<std::string> received = create_task(e.loop.sock_recv(near, 100));
    co_await passes(3);
    EXPECT_FALSE(received.done());
    put(far, "hello");
    EXPECT_EQ(co_await received, "hello");
  });
}

TEST(Step1_SockIo, WhatIsThereIsTakenAtOnceAndNoMoreThanAskedFor) {  // AIO-100
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &far = far, &near = near]() -> Coro<> {
    put(far, "abcdef");
    const Task<std::string> first = create_task(e.loop.sock_recv(near, 4));
    co_await sleep(0s);
    EXPECT_TRUE(first.done()) << "without a wait";
    EXPECT_EQ(co_await e.loop.sock_recv(near, 4), "ef");
    const Task<std::string> next = create_task(e.loop.sock_recv(near, 4));
    co_await passes(2);
    put(far, "g");
    EXPECT_EQ(co_await next, "g");
  });
}

TEST(Step1_SockIo, TheEndOfTheStreamIsNothing) {  // AIO-100
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &far = far, &near = near]() -> Coro<> {
    const Task<std::string> received = create_task(e.loop.sock_recv(near, 4));
    co_await passes(2);
    far.close();
    EXPECT_EQ(co_await received, "");
    EXPECT_EQ(co_await e.loop.sock_recv(near, 4), "");
  });
}

TEST(Step1_SockIo, APeerThatResetsIsAnError) {  // AIO-100
  EpollLoop e;
  auto [near, far] = tcp_pair();
  e.run([&, &far = far, &near = near]() -> Coro<> {
    const Task<std::string> received = create_task(e.loop.sock_recv(near, 4));
    co_await passes(2);
    reset(std::move(far));
    try {
      co_await received;
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::connection_reset);
    }
  });
}

TEST(Step1_SockIo, AllIsSentHoweverLittleRoomThereIs) {  // AIO-100
  EpollLoop e;
  auto [near, far] = socket_pair();
  const std::string text = long_text(3'000'000);
  std::string received;
  e.run([&, &far = far, &near = near]() -> Coro<> {
    const Task<> sent = create_task(e.loop.sock_sendall(near, text));
    co_await passes(2);
    EXPECT_FALSE(sent.done()) << "there was no room for three million bytes";
    while (!sent.done()) {
      received += get(far, 10'000);
      co_await passes(1);
    }
    for (std::string rest = "rest"; !rest.empty(); received += rest) rest = get(far);
  });
  EXPECT_TRUE(received == text) << "each byte once, and in order";
}

TEST(Step1_SockIo, APeerThatGoesWhileItIsSentToIsAnError) {  // AIO-100
  EpollLoop e;
  auto [near, far] = socket_pair();
  const std::string text = long_text(3'000'000);
  e.run([&, &far = far, &near = near]() -> Coro<> {
    const Task<> sent = create_task(e.loop.sock_sendall(near, text));
    co_await passes(2);
    far.close();
    EXPECT_NE(co_await error_when(sent), "nothing");
  });
}

TEST(Step1_SockIo, OneTaskSendsWhileAnotherReceives) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  const std::string text = long_text(1'000'000);
  e.run([&, &far = far, &near = near]() -> Coro<> {
    const Task<> sent = create_task(e.loop.sock_sendall(near, text));
    const Task<std::string> received = create_task(e.loop.sock_recv(near, 4));
    co_await passes(2);
    put(far, "both");
    EXPECT_EQ(co_await received, "both");
    EXPECT_FALSE(sent.done());
    std::size_t size = 0;
    while (size < text.size()) {
      size += get(far).size();
      co_await passes(1);
    }
    co_await sent;
  });
}

TEST(Step1_SockIo, ASecondWaiterIsRefused) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &far = far, &near = near]() -> Coro<> {
    const Task<std::string> first = create_task(e.loop.sock_recv(near, 4));
    co_await passes(1);
    for (const char* which : {"the second", "the third: that another was refused changes nothing"}) {
      Task<std::string> next = create_task(e.loop.sock_recv(near, 4));
      co_await passes(1);
      EXPECT_TRUE(next.done()) << which << "; else one of them would wait for ever";
      next.cancel();
      EXPECT_THROW(co_await next, std::runtime_error) << which;
    }
    put(far, "1st");
    EXPECT_EQ(co_await first, "1st") << "the first waits on";
    const Task<std::string> later = create_task(e.loop.sock_recv(near, 4));
    co_await passes(1);
    put(far, "2nd");
    EXPECT_EQ(co_await later, "2nd") << "when it has gone, there is room for the next";
  });
}

TEST(Step1_SockIo, ACancelledTaskIsWokenAtOnceAndTakesItsWatcherAlong) {  // AIO-100
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near]() -> Coro<> {
    Task<std::string> received = create_task(e.loop.sock_recv(near, 4));
    co_await passes(2);
    received.cancel();
    co_await sleep(0s);
    EXPECT_TRUE(received.cancelled());
    EXPECT_FALSE(e.loop.remove_reader(near.get())) << "nobody watches any more";
  });
}

TEST(Step1_SockIo, AfterACancelledOneANewOneBegins) {  // AIO-100
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &far = far, &near = near]() -> Coro<> {
    Task<std::string> given_up = create_task(e.loop.sock_recv(near, 4));
    co_await passes(2);
    given_up.cancel();
    co_await sleep(0s);
    const Task<std::string> received = create_task(e.loop.sock_recv(near, 4));
    co_await passes(2);
    put(far, "mine");
    EXPECT_EQ(co_await received, "mine");
  });
}

TEST(Step1_SockIo, ACancelledSenderLeavesNoWatcher) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  const std::string text = long_text(3'000'000);
  e.run([&, &near = near]() -> Coro<> {
    Task<> sent = create_task(e.loop.sock_sendall(near, text));
    co_await passes(2);
    sent.cancel();
    EXPECT_EQ(co_await error_when(sent), "cancelled");
    EXPECT_FALSE(e.loop.remove_writer(near.get()));
  });
}

TEST(Step1_SockIo, WhoeverWasServedIsWatchedNoMore) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &far = far, &near = near]() -> Coro<> {
    const Task<std::string> received = create_task(e.loop.sock_recv(near, 1));
    co_await passes(2);
    put(far, "more than one");
    EXPECT_EQ(co_await received, "m");
    EXPECT_FALSE(e.loop.remove_reader(near.get()));
  });
}

TEST(Step1_SockIo, BytesThatComeInTheSamePassAsTheCancellationStay) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &far = far, &near = near]() -> Coro<> {
    Task<std::string> received = create_task(e.loop.sock_recv(near, 4));
    co_await passes(2);
    put(far, "kept");
    received.cancel();
    EXPECT_EQ(co_await error_when(received), "cancelled");
    EXPECT_EQ(co_await e.loop.sock_recv(near, 4), "kept");
  });
}

TEST(Step1_SockIo, WhoIsCancelledInThePassThatFindsBytesIsNotServedAsWell) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  auto [other, far_of_other] = socket_pair();
  e.run([&, &near = near, &far = far, &other = other, &far_of_other = far_of_other]() -> Coro<> {
    Task<std::string> received = create_task(e.loop.sock_recv(near, 4));
    e.loop.add_reader(other.get(), [&] {
      e.loop.remove_reader(other.get());
      received.cancel();
    });
    co_await passes(2);
    put(far_of_other, "x");
    put(far, "kept");  // and one look at the files finds both
    EXPECT_EQ(co_await error_when(received), "cancelled");
    EXPECT_EQ(co_await e.loop.sock_recv(near, 4), "kept");
  });
  EXPECT_EQ(e.told, Log{});
}

TEST(Step1_SockIo, WhoCouldNotBeginToWaitHasLeftNothing) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    {
      const course::CallsFail fails(epoll_ctl_calls, ENOSPC);
      const std::string error = co_await error_when(e.loop.sock_recv(near, 4));
      EXPECT_NE(error.find("No space left"), std::string::npos) << error;
    }
    EXPECT_FALSE(e.loop.remove_reader(near.get()));
    const Task<std::string> next = create_task(error_when(e.loop.sock_recv(near, 4)));
    co_await passes(2);
    put(far, "it");
    EXPECT_EQ(co_await next, "nothing") << "the next one can wait, and is served";
  });
}

TEST(Step1_SockIo, WhoCouldNotBeginToWaitTakesNobodysReaderAway) {
  EpollLoop e;
  auto [near, far] = socket_pair();
  e.run([&, &near = near, &far = far]() -> Coro<> {
    std::string came;
    e.loop.add_reader(near.get(), [&] { came += get(near); });
    {
      const course::CallsFail fails(epoll_ctl_calls, ENOSPC);
      EXPECT_NE(co_await error_when(e.loop.sock_recv(near, 4)), "nothing");
    }
    put(far, "it");
    co_await passes(3);
    EXPECT_EQ(came, "it") << "the wait never began: what somebody else watches is not its to clean up";
    e.loop.remove_reader(near.get());
  });
}

TEST(Step1_SockIo, ALoopThatWatchesNoFilesSaysSo) {
  EventLoop loop;
  auto [near, far] = socket_pair();
  EXPECT_THROW(loop.run_until_complete(loop.sock_recv(near, 4)), std::logic_error);
  EXPECT_THROW(loop.run_until_complete(loop.sock_recv(near, 4)), std::logic_error) << "again";
  // With one that does, a wait that has failed has left nothing behind.
  EpollLoop e;
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Fd nothing;
    EXPECT_NE(co_await error_when(e.loop.sock_recv(nothing, 4)), "nothing");
    const Task<std::string> received = create_task(e.loop.sock_recv(near, 4));
    co_await passes(1);
    put(far, "it");
    EXPECT_EQ(co_await received, "it");
  });
}

TEST(Step1_SockIo, ALoopThatIsClosedLetsGoOfWhoWaits) {
  const NoDescriptorIsLeft none_is_left_open;
  auto [near, far] = socket_pair();
  {
    EpollLoop e;
    e.run([&, &near = near]() -> Coro<> {
      create_task(e.loop.sock_recv(near, 4));
      co_await passes(2);
    });
  }
  EpollLoop e;
  e.run([&, &near = near, &far = far]() -> Coro<> {
    const Task<std::string> received = create_task(e.loop.sock_recv(near, 4));
    co_await passes(2);
    put(far, "next");
    EXPECT_EQ(co_await received, "next") << "on another loop";
  });
}
