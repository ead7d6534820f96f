// Chapter 07, step 5: the acceptor.

#include "support.hpp"
#include "system_calls.hpp"

#include <poll.h>

#include <cerrno>
#include <exception>
#include <functional>
#include <optional>

using asyncio::Acceptor;

namespace {

/// A loop that accepts connections and keeps them.
struct Accepting {
  EpollLoop e;
  std::vector<Fd> connections;
  Log log;
  std::function<void()> at_a_connection = [] {};
  std::function<void()> at_a_report = [] {};
  Acceptor acceptor;

  explicit Accepting(const asyncio::AcceptOptions& options = {})
      : acceptor(
            e.loop, listen_tcp(0),
            [this](Fd fd) {
              connections.push_back(std::move(fd));
              at_a_connection();
            },
            options) {
    e.loop.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
      log.push_back(context.message);
      try {
        std::rethrow_exception(context.exception);
      } catch (const std::exception& error) {
        log.push_back(error.what());
      }
      at_a_report();
    });
  }
  std::uint16_t port() const { return local_port(acceptor.listener()); }
  std::vector<Fd> clients(int count) {
    std::vector<Fd> all;
    for (int i = 0; i < count; ++i) all.push_back(client_of(port()));
    return all;
  }
};

}  // namespace

TEST(Step5_Acceptor, EachConnectionIsHandedOver) {  // AIO-117
  const NoDescriptorIsLeft none_is_left_open;
  Accepting accepting;
  const std::vector<Fd> clients = accepting.clients(7);
  accepting.e.run_once();
  ASSERT_EQ(accepting.connections.size(), 7u) << "all that wait, in one pass";
  put(clients[3], "hello");
  wait_for(accepting.connections[3], POLLIN);
  EXPECT_EQ(get(accepting.connections[3]), "hello") << "in the order in which they came";
}

TEST(Step5_Acceptor, AfterSoManyAtATimeTheLoopDoesSomethingElse) {  // AIO-117
  Accepting accepting({.at_a_time = 3});
  const std::vector<Fd> clients = accepting.clients(7);
  for (const std::size_t expected : {3u, 6u, 7u, 7u}) {
    accepting.e.run_once();
    EXPECT_EQ(accepting.connections.size(), expected);
  }
}

TEST(Step5_Acceptor, WithoutADescriptorItPausesAndSpinsNot) {  // AIO-117
  Accepting accepting({.pause = 20ms});
  const std::vector<Fd> clients = accepting.clients(3);
  DescriptorLimit limit(1);
  const auto begin = accepting.e.loop.time();
  accepting.e.run_once();
  EXPECT_EQ(accepting.connections.size(), 1u);
  ASSERT_EQ(accepting.log.size(), 2u);
  EXPECT_EQ(accepting.log[0], "accept() is out of resources");
  EXPECT_EQ(accepting.log[1], "accept: Too many open files");
  looks = 0;
  accepting.at_a_report = [&] { accepting.e.loop.stop(); };
  accepting.e.loop.run_forever();  // up to the next try
  EXPECT_LE(looks, 6) << "it sleeps meanwhile";
  EXPECT_EQ(accepting.log.size(), 4u) << "each try is told once";
  EXPECT_GE(accepting.e.loop.time() - begin, 20ms) << "each pause takes its time";
  limit.lift();
  accepting.at_a_connection = [&] {
    if (accepting.connections.size() == 3) accepting.e.loop.stop();
  };
  accepting.e.loop.run_forever();
  EXPECT_GE(accepting.e.loop.time() - begin, 40ms) << "each pause takes its time";
  EXPECT_EQ(accepting.log.size(), 4u);
}

TEST(Step5_Acceptor, WhatTheCallbackThrowsIsTheLoopsAffair) {
  EpollLoop e;
  int told = 0;
  int connections = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++told; });
  const Acceptor acceptor(e.loop, listen_tcp(0), [&](Fd) {
    ++connections;
    throw std::system_error(EMFILE, std::generic_category(), "not from accept()");
  });
  const Fd a = client_of(local_port(acceptor.listener()));
  const Fd b = client_of(local_port(acceptor.listener()));
  e.run_once();
  e.run_once();
  EXPECT_EQ(connections, 2) << "it goes on at once";
  EXPECT_EQ(told, 2);
}

TEST(Step5_Acceptor, OtherErrorsAreTheLoopsAffairToo) {
  EpollLoop e;
  Log log;
  e.loop.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { log.push_back(context.message); });
  auto [reader, writer] = socket_pair();
  const Acceptor acceptor(e.loop, std::move(reader), [](Fd) {});
  put(writer, "this is no listener");
  e.run_once();
  ASSERT_EQ(log.size(), 1u);
  EXPECT_TRUE(log[0].starts_with("Exception in callback")) << log[0];
}

TEST(Step5_Acceptor, ItsEndIsTheEndOfItsListener) {
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  std::optional<Acceptor> acceptor;
  int connections = 0;
  acceptor.emplace(
      e.loop, listen_tcp(0), [&](Fd) { ++connections; }, asyncio::AcceptOptions{.pause = 1ms});
  e.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  const std::uint16_t port = local_port(acceptor->listener());
  const Fd client = client_of(port);
  {
    const DescriptorLimit limit(1);
    const Fd last(checked(::dup(0), "dup"));
    e.run_once();  // and so it pauses
  }
  acceptor.reset();
  e.loop.call_later(5ms, [&] { e.loop.stop(); });
  e.loop.run_forever();
  EXPECT_EQ(connections, 0);
  EXPECT_EQ(code_of([&] { client_of(port); }), std::errc::connection_refused);
}
