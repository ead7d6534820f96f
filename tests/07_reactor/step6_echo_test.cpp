// Chapter 07, step 6: the echo server.

#include "echo_server.hpp"
#include "support.hpp"
#include "system_calls.hpp"

#include <fcntl.h>

#include <optional>
#include <semaphore>
#include <thread>

using asyncio::EchoServer;

namespace {

void send_all(const Fd& fd, std::string_view text) {
  while (!text.empty())
    text.remove_prefix(
        static_cast<std::size_t>(checked(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), "send")));
}

std::string receive_exactly(const Fd& fd, std::size_t size) {
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t part = ::recv(fd.get(), text.data() + have, size - have, 0);
    if (part <= 0) break;
    have += static_cast<std::size_t>(part);
  }
  text.resize(have);
  return text;
}

/// An echo server on a thread of its own.
class RunningServer {
 public:
  RunningServer() : thread_([this] { run(); }) { ready_.acquire(); }
  ~RunningServer() {
    loop_.call_soon_threadsafe([this] { loop_.stop(); });
  }

  std::uint16_t port() const { return port_; }

  /// Calls `ask` on the loop's thread, and returns what it returns.
  template <class F>
  auto on_the_loop(F ask) {
    decltype(ask(std::declval<EchoServer&>())) answer{};
    std::binary_semaphore answered(0);
    loop_.call_soon_threadsafe([&] {
      answer = ask(*server_);
      answered.release();
    });
    answered.acquire();
    return answer;
  }
  std::size_t connections() {
    return on_the_loop([](EchoServer& server) { return server.connections(); });
  }
  void wait_until_there_are(std::size_t count) {
    while (connections() != count) std::this_thread::yield();
  }

 private:
  void run() {
    EchoServer server(loop_, listen_with_little_room());
    server_ = &server;
    port_ = server.port();
    ready_.release();
    loop_.run_forever();
  }

  EventLoop loop_{std::make_unique<EpollSelector>()};
  EchoServer* server_ = nullptr;
  std::uint16_t port_ = 0;
  std::binary_semaphore ready_{0};
  std::jthread thread_;
};

/// Sends until the server takes no more. @returns how many bytes
std::size_t send_without_reading(const Fd& client, RunningServer& server) {
  ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
  const std::string block(65'536, 'x');
  std::size_t taken = 0;
  for (int full = 0; full < 20; server.connections()) {
    const ssize_t size = ::send(client.get(), block.data(), block.size(), MSG_NOSIGNAL);
    full = size < 0 ? full + 1 : 0;
    taken += size < 0 ? 0 : static_cast<std::size_t>(size);
  }
  ::fcntl(client.get(), F_SETFL, 0);
  return taken;
}

}  // namespace

TEST(Step6_Echo, WhatComesGoesBack) {
  const NoDescriptorIsLeft none_is_left_open;
  RunningServer server;
  const Fd client = client_of(server.port());
  for (const char* text : {"hello", "world"}) {
    send_all(client, text);
    EXPECT_EQ(receive_exactly(client, 5), text);
  }
}

TEST(Step6_Echo, ConnectionsAreApart) {
  RunningServer server;
  std::vector<Fd> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(client_of(server.port()));
  for (std::size_t i = 0; i < clients.size(); ++i) send_all(clients[i], std::to_string(1000 + i));
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_EQ(receive_exactly(clients[i], 4), std::to_string(1000 + i));
  EXPECT_EQ(server.connections(), 200u);
}

TEST(Step6_Echo, AMillionBytesThroughATinyBuffer) {
  RunningServer server;
  const Fd client = client_of(server.port(), Buffer::tiny);
  const std::string text = long_text(1'000'000);
  std::jthread sender([&] { send_all(client, text); });
  EXPECT_TRUE(receive_exactly(client, text.size()) == text);
}

TEST(Step6_Echo, WhoSendsNoMoreStillGetsAll) {
  RunningServer server;
  const Fd client = client_of(server.port(), Buffer::tiny);
  const std::string text = long_text(300'000);
  std::jthread sender([&] {
    send_all(client, text);
    ::shutdown(client.get(), SHUT_WR);
  });
  EXPECT_TRUE(receive_exactly(client, text.size() + 1) == text) << "and then the end";
}

TEST(Step6_Echo, WhoDoesNotReadIsNotReadFrom) {
  RunningServer server;
  const Fd client = client_of(server.port());
  ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
  const std::string block(65'536, 'x');
  std::size_t taken = 0;
  const auto other_is_served = [&] {
    const Fd other = client_of(server.port());
    send_all(other, "hello");
    return receive_exactly(other, 5) == "hello";
  };
  for (int full = 0; full < 20;) {  // as long as the server's end takes more
    const ssize_t size = ::send(client.get(), block.data(), block.size(), MSG_NOSIGNAL);
    if (size > 0) {
      taken += static_cast<std::size_t>(size);
      full = 0;
      ASSERT_LT(taken, 100'000'000u) << "the server keeps what the client does not read";
    } else {
      ++full;
      ASSERT_TRUE(other_is_served());
    }
  }
  ::fcntl(client.get(), F_SETFL, 0);
  EXPECT_EQ(receive_exactly(client, taken).size(), taken) << "in the end all of it comes";
}

TEST(Step6_Echo, AConnectionThatHasEndedIsNotWatchedAnyMore) {
  EpollLoop e;
  EchoServer server(e.loop, listen_tcp(0));
  Fd client = client_of(server.port());
  const int number = Fd(checked(::dup(0), "dup")).get();  // the lowest that is free
  e.run_once();
  ASSERT_EQ(server.connections(), 1u);
  const Fd copy(checked(::dup(number), "dup"));  // as a child process has: epoll forgets nothing by itself
  client.close();
  e.run_once();
  EXPECT_EQ(server.connections(), 0u);
  EXPECT_FALSE(e.loop.remove_reader(number)) << "its callback is of a connection that is gone";
  looks = 0;
  e.loop.call_later(20ms, [&] { e.loop.stop(); });
  e.loop.run_forever();
  EXPECT_LE(looks, 3) << "it is forgotten before it is closed, or epoll tells of it for ever";
}

TEST(Step6_Echo, AResetEndsOneConnectionOnly) {
  const NoDescriptorIsLeft none_is_left_open;
  RunningServer server;
  const Fd other = client_of(server.port());
  Fd client = client_of(server.port());
  send_all(client, "hello");
  receive_exactly(client, 5);
  server.wait_until_there_are(2);
  reset_when_closed(client);
  client.close();
  server.wait_until_there_are(1);
  send_all(other, "hello");
  EXPECT_EQ(receive_exactly(other, 5), "hello");
}

TEST(Step6_Echo, AResetOfWhoDoesNotReadEndsItToo) {
  const NoDescriptorIsLeft none_is_left_open;
  RunningServer server;
  Fd client = client_of(server.port(), Buffer::tiny);
  send_without_reading(client, server);
  reset_when_closed(client);
  client.close();
  server.wait_until_there_are(0);
}

TEST(Step6_Echo, BytesThatWaitDoNotKeepTheLoopBusy) {
  RunningServer server;
  const Fd client = client_of(server.port(), Buffer::tiny);
  send_without_reading(client, server);
  EXPECT_LT(course::cpu_time_of_others_while_this_thread_computes(), 10ms) << "there is no room for the rest";
}

TEST(Step6_Echo, WhenAllIsSentTheLoopSleeps) {
  RunningServer server;
  const Fd client = client_of(server.port(), Buffer::tiny);
  const std::size_t size = send_without_reading(client, server);
  EXPECT_EQ(receive_exactly(client, size).size(), size);
  server.connections();  // it has had its turn since
  EXPECT_LT(course::cpu_time_of_others_while_this_thread_computes(), 10ms)
      << "there is nothing to write any more, and always room for it";
}

TEST(Step6_Echo, AtTheLimitOfDescriptorsOthersAreServed) {
  EpollLoop e;
  int told = 0;
  e.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++told; });
  EchoServer server(e.loop, listen_tcp(0));
  const Fd first = client_of(server.port());
  const Fd second = client_of(server.port());
  const DescriptorLimit limit(1);
  e.run_once();
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(told, 1);
  send_all(first, "hello");
  for (int i = 0; i < 6; ++i) e.run_once();
  EXPECT_EQ(receive_exactly(first, 5), "hello");
}

TEST(Step6_Echo, TheEndOfTheServerEndsItsConnections) {
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  std::optional<EchoServer> server;
  server.emplace(e.loop, listen_tcp(0));
  const Fd client = client_of(server->port());
  send_all(client, "hello");
  for (int i = 0; i < 6; ++i) e.run_once();
  EXPECT_EQ(receive_exactly(client, 5), "hello");
  server.reset();
  EXPECT_EQ(receive_exactly(client, 1), "") << "the end";
  e.run_once();
}
