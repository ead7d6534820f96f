// Chapter 07, steps 1 to 6: the system says no, where it seldom does, and nothing is left of what it refused.

#include "echo_server.hpp"
#include "support.hpp"
#include "system_calls.hpp"

#include <sys/eventfd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>

COURSE_MAY_FAIL(int, epoll_ctl, (int epoll, int what, int fd, epoll_event* event), (epoll, what, fd, event))
COURSE_MAY_FAIL(int, epoll_create1, (int flags), (flags))
COURSE_MAY_FAIL(int, eventfd, (unsigned count, int flags), (count, flags))
COURSE_MAY_FAIL(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
COURSE_MAY_FAIL(int, connect, (int fd, const sockaddr* address, socklen_t size), (fd, address, size))
COURSE_MAY_FAIL(int, listen, (int fd, int backlog), (fd, backlog))
COURSE_MAY_FAIL(int, bind, (int fd, const sockaddr* address, socklen_t size), (fd, address, size))
COURSE_MAY_FAIL(int, setsockopt, (int fd, int level, int name, const void* value, socklen_t size),
                (fd, level, name, value, size))
COURSE_MAY_FAIL(int, getsockopt, (int fd, int level, int name, void* value, socklen_t* size),
                (fd, level, name, value, size))
COURSE_MAY_FAIL(int, sigaction, (int number, const struct sigaction* action, struct sigaction* before),
                (number, action, before))

using asyncio::Acceptor;
using asyncio::EchoServer;
using asyncio::Ready;

namespace {

/// Counts how many of a test's callbacks are alive.
struct Callbacks {
  std::atomic<int> alive = 0;
  Log log;

  /// Makes one that logs `name`.
  auto make(const char* name) {
    return [this, name, owned = std::make_shared<Counted>(alive)] { log.push_back(name); };
  }
};

std::string echo_of(EpollLoop& e, const Fd& client, std::string_view text, int passes = 6) {
  checked(::write(client.get(), text.data(), text.size()), "write");
  for (int i = 0; i < passes; ++i) e.run_once();
  std::string echo(text.size(), '\0');
  const ssize_t size = ::recv(client.get(), echo.data(), echo.size(), MSG_DONTWAIT);
  echo.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return echo;
}

}  // namespace

TEST(Step1_Sockets, ASocketThatCannotBeMadeLeavesNoDescriptor) {
  const NoDescriptorIsLeft none_is_left_open;
  for (course::SystemCalls* calls : {&socket_calls, &setsockopt_calls, &bind_calls, &listen_calls}) {
    const CallsFail fail(*calls, ENOBUFS);
    EXPECT_EQ(code_of([] { listen_tcp(0); }).value(), ENOBUFS);
  }
  const Fd listener = listen_tcp(0);
  const auto port = local_port(listener);
  for (course::SystemCalls* calls : {&socket_calls, &connect_calls}) {
    const CallsFail fail(*calls, ENETUNREACH);
    EXPECT_EQ(code_of([&] { asyncio::connect_tcp("127.0.0.1", port); }).value(), ENETUNREACH);
  }
  const Fd connecting = asyncio::connect_tcp("127.0.0.1", port);
  wait_for(connecting, POLLOUT);
  const CallsFail fail(getsockopt_calls, ENOBUFS);
  EXPECT_EQ(code_of([&] { asyncio::finish_connect(connecting); }).value(), ENOBUFS)
      << "an error of the question is not an answer";
}

TEST(Step1_Sockets, OtherErrorsAreToldAsTheyAre) {
  const auto [here, there] = socket_pair();
  std::array<std::byte, 8> room{};
  for (const int error : {ECONNRESET, ENOMEM, ENOTCONN}) {
    {
      const CallsFail fail(recv_calls, error);
      EXPECT_EQ(code_of([&] { asyncio::receive(here, room); }).value(), error);
    }
    {
      const CallsFail fail(send_calls, error);
      EXPECT_EQ(code_of([&] { asyncio::send(here, room); }).value(), error);
    }
    const CallsFail fail(accept_calls, error);
    EXPECT_EQ(code_of([&] { asyncio::accept(here); }).value(), error);
  }
}

TEST(Step2_Epoll, ASelectorThatCannotBeMadeLeavesNoDescriptor) {
  const NoDescriptorIsLeft none_is_left_open;
  for (course::SystemCalls* calls : {&epoll_create1_calls, &eventfd_calls, &epoll_ctl_calls}) {
    const CallsFail fail(*calls, EMFILE);
    EXPECT_EQ(code_of([] { EpollSelector(); }).value(), EMFILE);
  }
  EpollSelector selector;
  selector.wake();
  selector.select(std::nullopt);
}

TEST(Step3_Watch, AnErrorOfTheSelectIsThrownAndTheNextOneWorks) {
  const auto [here, there] = socket_pair();
  Callbacks callbacks;
  EpollLoop e;
  e.loop.add_reader(here.get(), callbacks.make("read"));
  put(there, "x");
  {
    const CallsFail fail(select_calls, EINTR, 2);
    e.run_once();
    EXPECT_EQ(callbacks.log, Log{}) << "an interruption has found nothing";
  }
  {
    const CallsFail fail(select_calls, ENOMEM);
    EXPECT_EQ(code_of([&] { e.run_once(); }).value(), ENOMEM);
  }
  e.run_once();
  e.run_once();
  EXPECT_NE(callbacks.log, Log{}) << "later it goes on";
}

TEST(Step3_Watch, WhatIsRefusedIsDestroyed) {
  const auto [here, there] = socket_pair();
  Callbacks callbacks;
  EventLoop simple;
  EXPECT_THROW(simple.add_reader(here.get(), callbacks.make("")), std::logic_error);
  EXPECT_EQ(callbacks.alive, 0) << "a loop that watches no files must not keep the callback";
  EXPECT_THROW(simple.add_writer(here.get(), callbacks.make("")), std::logic_error);
  EXPECT_THROW(simple.add_signal_handler(SIGUSR1, callbacks.make("")), std::logic_error);
  EXPECT_EQ(callbacks.alive, 0);
  EpollLoop e;
  EXPECT_THROW(e.loop.add_reader(-1, callbacks.make("")), std::system_error);
  EXPECT_THROW(e.loop.add_reader(99'999, callbacks.make("")), std::system_error);
  EXPECT_THROW(e.loop.add_signal_handler(0, callbacks.make("")), std::invalid_argument);
  EXPECT_EQ(callbacks.alive, 0);
  e.loop.close();
  EXPECT_THROW(e.loop.add_reader(here.get(), callbacks.make("")), std::runtime_error);
  EXPECT_THROW(e.loop.add_signal_handler(SIGUSR1, callbacks.make("")), std::runtime_error);
  EXPECT_EQ(callbacks.alive, 0) << "a closed loop must not keep the callback";
}

TEST(Step3_Watch, WhatIsRefusedGivesItsMemoryBack) {
  const auto [here, there] = socket_pair();
  EpollLoop e;
  e.loop.add_reader(here.get(), [] {});  // which is not refused
  const auto refuse = [&here = here] {
    EventLoop simple;
    for (int i = 0; i < 3; ++i) EXPECT_ANY_THROW(simple.add_reader(here.get(), [] {}));
  };
  refuse();
  const std::size_t before = course::allocations() - course::deallocations();
  for (int i = 0; i < 5; ++i) refuse();
  EXPECT_EQ(course::allocations() - course::deallocations(), before);
}

TEST(Step3_Watch, AWatchThatTheSystemRefusesLeavesTheOthersAsTheyWere) {
  const auto [here, there] = socket_pair();
  Callbacks callbacks;
  EpollLoop e;
  {
    const CallsFail fail(epoll_ctl_calls, ENOSPC, 2);
    EXPECT_EQ(code_of([&] { e.loop.add_reader(here.get(), callbacks.make("never")); }).value(), ENOSPC);
  }
  EXPECT_EQ(callbacks.alive, 0);
  EXPECT_FALSE(e.loop.remove_reader(here.get()));
  e.loop.add_reader(here.get(), callbacks.make("read"));
  for (const bool writer : {true, false}) {
    const CallsFail fail(epoll_ctl_calls, ENOSPC, 2);
    EXPECT_ANY_THROW(writer ? e.loop.add_writer(here.get(), callbacks.make("never"))
                            : e.loop.add_reader(here.get(), callbacks.make("never")));
    EXPECT_EQ(callbacks.alive, 1);
  }
  EXPECT_FALSE(e.loop.remove_writer(here.get()));
  put(there, "x");
  e.run_once();
  e.run_once();
  EXPECT_NE(callbacks.log, Log{}) << "the reader that was there is called";
  e.loop.add_writer(here.get(), callbacks.make("write"));
  callbacks.log.clear();
  e.run_once();
  e.run_once();
  EXPECT_NE(std::ranges::find(callbacks.log, "write"), callbacks.log.end());
  EXPECT_NE(std::ranges::find(callbacks.log, "read"), callbacks.log.end());
  EXPECT_TRUE(e.loop.remove_reader(here.get()));
  EXPECT_TRUE(e.loop.remove_writer(here.get()));
  EXPECT_EQ(callbacks.alive, 0);
}

TEST(Step3_Watch, WhatTheSystemHasRefusedIsNotWatchedLater) {
  const auto [here, there] = socket_pair();
  EpollLoop e;
  e.loop.add_reader(here.get(), [] {});
  {
    const CallsFail fail(epoll_ctl_calls, ENOSPC, 2);
    EXPECT_ANY_THROW(e.loop.add_writer(here.get(), [] {}));
  }
  e.loop.remove_reader(here.get());
  const int before = looks;
  e.loop.call_later(5ms, [&] { e.loop.stop(); });
  e.loop.run_forever();
  EXPECT_LT(looks - before, 5) << "there is room to write, and nobody who wants to know";
}

TEST(Step3_Watch, ACallbackForWhichThereIsNoMemoryIsDestroyedAndTheNextIsCalled) {
  const auto [here, there] = socket_pair();
  put(there, "x");
  const int failures = course::until_memory_suffices([&here = here](course::Memory& memory) {
    Callbacks callbacks;
    EpollLoop e;
    auto call = callbacks.make("first");
    const bool added =
        memory.suffices_for([&] { e.loop.add_reader(here.get(), [call = std::move(call)] { call(); }); });
    EXPECT_EQ(callbacks.alive, added ? 1 : 0);
    e.loop.add_reader(here.get(), callbacks.make("read"));
    EXPECT_EQ(callbacks.alive, 1);
    e.run_once();
    e.run_once();
    EXPECT_NE(callbacks.log, Log{});
    EXPECT_EQ(callbacks.log.front(), "read");
  });
  EXPECT_GT(failures, 0);
}

TEST(Step3_Watch, ALoopThatOnlyWatchesSleepsUntilSomethingComes) {
  const auto [here, there] = socket_pair();
  std::thread runner([&here = here] {
    EpollLoop e;
    e.loop.add_reader(here.get(), [&] { e.loop.stop(); });
    e.loop.run_forever();
  });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  put(there, "x");
  runner.join();
}

TEST(Step3_Watch, AnythingMayBeThrownByAReader) {
  const auto [here, there] = socket_pair();
  EpollLoop e;
  Log log;
  e.loop.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { log.push_back(course::what(context.exception)); });
  e.loop.add_reader(here.get(), [] { throw 7; });
  put(there, "x");
  e.run_once();
  e.run_once();
  EXPECT_NE(log, Log{});
  EXPECT_EQ(log.front(), "7");
  EXPECT_TRUE(e.loop.remove_reader(here.get())) << "it stays";
}

TEST(Step4_Signals, AHandlerThatTheSystemRefusesLeavesTheOneBefore) {
  Callbacks callbacks;
  EpollLoop e;
  {
    const CallsFail fail(epoll_ctl_calls, ENOSPC);
    EXPECT_ANY_THROW(e.loop.add_signal_handler(SIGUSR1, callbacks.make("never")));
    EXPECT_EQ(callbacks.alive, 0);
    EXPECT_FALSE(e.loop.remove_signal_handler(SIGUSR1));
  }
  EXPECT_THROW(e.loop.add_signal_handler(SIGKILL, callbacks.make("")), std::runtime_error);
  EXPECT_EQ(callbacks.alive, 0);
  e.loop.add_signal_handler(SIGUSR1, callbacks.make("first"));
  {
    const CallsFail fail(sigaction_calls, EINVAL);
    EXPECT_ANY_THROW(e.loop.add_signal_handler(SIGUSR1, callbacks.make("never")));
  }
  EXPECT_EQ(callbacks.alive, 1);
  std::raise(SIGUSR1);
  e.run_once();
  e.run_once();
  EXPECT_EQ(callbacks.log, Log{"first"});
}

TEST(Step4_Signals, AfterTheLastWasRemovedAnotherMayBeAdded) {
  Callbacks callbacks;
  EpollLoop e;
  for (const char* name : {"once", "again", "and again"}) {
    e.loop.add_signal_handler(SIGUSR1, callbacks.make(name));
    std::raise(SIGUSR1);
    e.run_once();
    e.run_once();
    EXPECT_TRUE(e.loop.remove_signal_handler(SIGUSR1));
    EXPECT_FALSE(e.loop.remove_signal_handler(SIGUSR1));
  }
  EXPECT_EQ(callbacks.log, (Log{"once", "again", "and again"}));
  EXPECT_EQ(callbacks.alive, 0);
}

TEST(Step5_Acceptor, WheneverThereIsNoRoomItPausesAndGoesOn) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    EpollLoop e;
    int reports = 0, accepted = 0;
    e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
      ++reports;
      EXPECT_EQ(context.message, "accept() is out of resources");
    });
    Acceptor acceptor(e.loop, listen_tcp(0),
                      [&](Fd) {
                        ++accepted;
                        e.loop.stop();
                      },
                      {.pause = 1ms});
    const CallsFail fail(accept_calls, error);
    const Fd client = client_of(local_port(acceptor.listener()));
    e.loop.run_forever();
    EXPECT_EQ(accepted, 1);
    EXPECT_EQ(reports, 1) << "errno " << error;
  }
}

TEST(Step5_Acceptor, OneThatEndsWhileItPausesNeverGoesOn) {
  EpollLoop e;
  int reports = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++reports; });
  auto acceptor = std::make_unique<Acceptor>(
      e.loop, listen_tcp(0), [](Fd) { ADD_FAILURE() << "it has ended"; },
      asyncio::AcceptOptions{.pause = 1ms});
  const CallsFail fail(accept_calls, EMFILE);
  const Fd client = client_of(local_port(acceptor->listener()));
  for (int i = 0; i < 10 && reports == 0; ++i) e.run_once();
  EXPECT_EQ(reports, 1);
  acceptor.reset();
  e.loop.call_later(3ms, [&] { e.loop.stop(); });
  e.loop.run_forever();
  EXPECT_EQ(reports, 1);
}

TEST(Step6_Echo, IfThereIsNoRoomAtAllNothingIsLost) {
  EpollLoop e;
  EchoServer server(e.loop, listen_tcp(0));
  const Fd client = client_of(server.port());
  EXPECT_EQ(echo_of(e, client, "hello"), "hello");
  for (int times = 1; times < 4; ++times) {
    const CallsFail no_room(send_calls, EAGAIN, times);
    EXPECT_EQ(echo_of(e, client, "there is no room for this yet", 12), "there is no room for this yet")
        << "the first " << times << " calls of send() had no room for anything";
    EXPECT_EQ(echo_of(e, client, "next"), "next");
  }
  EXPECT_EQ(server.connections(), 1u);
}

TEST(Step6_Echo, IfNothingHasComeAfterAllTheConnectionStays) {
  EpollLoop e;
  EchoServer server(e.loop, listen_tcp(0));
  const Fd client = client_of(server.port());
  EXPECT_EQ(echo_of(e, client, "hello"), "hello");
  const CallsFail nothing(recv_calls, EAGAIN, 2);
  checked(::write(client.get(), "again", 5), "write");
  for (int i = 0; i < 6; ++i) e.run_once();
  EXPECT_EQ(get(client), "again");
  EXPECT_EQ(server.connections(), 1u);
}

TEST(Step6_Echo, AnErrorOfAnyKindEndsOneConnectionOnly) {
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  EchoServer server(e.loop, listen_tcp(0));
  const Fd other = client_of(server.port());
  EXPECT_EQ(echo_of(e, other, "hello"), "hello");
  for (course::SystemCalls* calls : {&recv_calls, &send_calls})
    for (const int error : {ECONNRESET, ETIMEDOUT, ENOMEM, EPIPE}) {
      const Fd client = client_of(server.port());
      EXPECT_EQ(echo_of(e, client, "hello"), "hello");
      EXPECT_EQ(server.connections(), 2u);
      const CallsFail fail(*calls, error);
      checked(::write(client.get(), "x", 1), "write");
      for (int i = 0; i < 4; ++i) e.run_once();
      EXPECT_EQ(server.connections(), 1u);
      EXPECT_EQ(echo_of(e, other, "hello"), "hello");
    }
}

TEST(Step6_Echo, AConnectionThatCannotBeWatchedIsClosed) {
  EpollLoop e;
  int reports = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++reports; });
  EchoServer server(e.loop, listen_tcp(0));
  const int before = course::open_descriptors();
  {
    const Fd client = client_of(server.port());
    const CallsFail fail(epoll_ctl_calls, ENOSPC, 1);
    for (int i = 0; i < 4; ++i) e.run_once();
    EXPECT_EQ(reports, 1);
    EXPECT_EQ(server.connections(), 0u) << "nobody would ever read from it, or close it";
  }
  EXPECT_EQ(course::open_descriptors(), before);
  EXPECT_EQ(echo_of(e, client_of(server.port()), "hello"), "hello") << "the next one is served";
}
