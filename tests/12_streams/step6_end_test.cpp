// Chapter 12, step 6: the life of a server, and its end.

#include "served.hpp"

#include <optional>

#include "failing_calls.hpp"

COURSE_MAY_FAIL(int, listen, (int fd, int backlog), (fd, backlog))

using asyncio::Server;
using asyncio::ServerOptions;
using asyncio::start_server;
using asyncio::StreamReader;
using asyncio::StreamWriter;

namespace {

/// Connects a client, and sees to it that it is served.
Coro<Fd> served_client(const Server& server) {
  Fd client = client_of(server);
  put(client, "x");
  EXPECT_EQ(co_await take(client, 1), "x");
  co_return client;
}

/// Returns a handler that writes a text, which must outlive it, and waits for the end of its client.
auto pours(const std::string& text) {
  return [&text](StreamReader reader, StreamWriter writer) -> Coro<> {
    writer.write(text);
    co_await reader.read();
  };
}

/// Returns the error with which a connection to that port ends; none if there is one.
std::error_code error_of_connect(std::uint16_t port) {
  const Fd client(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const SocketAddress address = SocketAddress::tcp("127.0.0.1", port);
  if (::connect(client.get(), address.get(), address.size()) == 0) return {};
  return std::error_code(errno, std::generic_category());
}

template <class F>
Log run(F main) {
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  e.run([&] { return main(e); });
  return e.told;
}

}  // namespace

TEST(Step6_End, AClosedServerRefusesAndKeepsItsClients) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = local_port(server.sockets()[0]);
    EXPECT_TRUE(server.is_serving());
    const Fd client = co_await served_client(server);
    server.close();
    server.close();
    EXPECT_FALSE(server.is_serving());
    EXPECT_TRUE(server.sockets().empty());
    EXPECT_EQ(error_of_connect(port), std::errc::connection_refused);
    put(client, "still served");
    EXPECT_EQ(co_await take(client, 12), "still served");
  });
}

TEST(Step6_End, WaitClosedWaitsForTheCloseAndTheLastClient) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    Fd one = co_await served_client(server);
    Fd other = co_await served_client(server);
    const Task<> closed = create_task(server.wait_closed());
    const Task<> too = create_task(server.wait_closed());
    co_await passes(3);
    EXPECT_FALSE(closed.done()) << "it is open";
    server.close();
    co_await passes(3);
    EXPECT_FALSE(closed.done()) << "two clients are there";
    one.close();
    co_await passes(5);
    EXPECT_FALSE(closed.done()) << "one is there";
    other.close();
    co_await closed;
    co_await too;
    co_await server.wait_closed();
  });
}

TEST(Step6_End, WithoutClientsItIsOverAtOnce) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    { const Fd client = co_await served_client(server); }
    const Task<> closed = create_task(server.wait_closed());
    co_await passes(5);
    EXPECT_FALSE(closed.done()) << "nobody is there, but it is open";
    server.close();
    co_await closed;
  });
}

TEST(Step6_End, ACancelledWaitClosedLeavesTheOthers) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    Fd client = co_await served_client(server);
    server.close();
    Task<> one = create_task(server.wait_closed());
    const Task<> other = create_task(server.wait_closed());
    co_await passes(2);
    one.cancel();
    EXPECT_EQ(co_await error_when(one), "cancelled");
    EXPECT_FALSE(other.done());
    client.close();
    co_await other;
  });
}

TEST(Step6_End, CloseClientsLetsThemHaveTheRest) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const std::string text = long_text(4'000'000);
    const Server server = co_await start_server(pours(text), "127.0.0.1", 0);
    const Fd client = client_of(server);
    EXPECT_EQ(co_await take(client, 1), text.substr(0, 1));
    server.close();
    server.close_clients();
    const Task<> closed = create_task(server.wait_closed());
    co_await passes(3);
    EXPECT_FALSE(closed.done());
    EXPECT_TRUE(co_await take(client, text.size() - 1) == text.substr(1));
    co_await closed;
    EXPECT_TRUE(at_end(client));
  });
}

TEST(Step6_End, AbortClientsDoesNot) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const std::string text = long_text(8'000'000);
    const auto pour = [&](StreamReader, StreamWriter writer) -> Coro<> {
      writer.write(text);
      co_await writer.drain();
    };
    const Server server = co_await start_server(pour, "127.0.0.1", 0);
    const Fd client = client_of(server);
    EXPECT_EQ(co_await take(client, 1), text.substr(0, 1));
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
    std::size_t received = 1;
    for (std::string some; !(some = get(client)).empty();) received += some.size();
    EXPECT_LT(received, text.size());
  });
}

TEST(Step6_End, OnlyItsOwnClientsAreClosed) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server one = co_await start_server(echo, "127.0.0.1", 0);
    const Server other = co_await start_server(echo, "127.0.0.1", 0);
    const Fd client_of_one = co_await served_client(one);
    const Fd client_of_other = co_await served_client(other);
    one.close_clients();
    co_await until([&] { return at_end(client_of_one); });
    put(client_of_other, "untouched");
    EXPECT_EQ(co_await take(client_of_other, 9), "untouched");
    EXPECT_TRUE(one.is_serving()) << "it takes new ones";
    const Fd next = co_await served_client(one);
  });
}

TEST(Step6_End, ClientsInEveryStateAreClosed) {  // AIO-116
  const Log told = run([](EpollLoop&) -> Coro<> {
    std::vector<StreamWriter> kept;
    const auto by_order = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      const std::string order = co_await reader.readline();
      if (order == "keep\n") kept.push_back(writer);
      if (order == "write\n") {
        writer.write(std::string(8'000'000, 'x'));
        co_await writer.drain();
      }
      if (order == "close\n") {
        writer.write(std::string(8'000'000, 'x'));
        writer.close();
      }
      if (order == "half\n") {
        writer.write_eof();
        co_await reader.read();
      }
      if (order == "sleep\n") co_await sleep(1h);
      if (order == "read\n") co_await reader.readexactly(10);
    };
    const Server server = co_await start_server(by_order, "127.0.0.1", 0);
    std::vector<Fd> clients;
    for (const char* order : {"keep\n", "write\n", "close\n", "half\n", "sleep\n", "read\n", "nothing yet"}) {
      clients.push_back(client_of(server));
      put(clients.back(), order);
    }
    clients.push_back(client_of(server));  // that has said nothing
    co_await until([&] { return !kept.empty() && at_end(clients[3]); });
    co_await passes(5);
    ::shutdown(clients.back().get(), SHUT_WR);
    server.close();
    server.close_clients();
    co_await passes(3);
    server.abort_clients();
    co_await server.wait_closed();
    for (const Fd& client : clients)
      for (std::string some = "some"; !some.empty();) some = get(client);
    for (const asyncio::AnyTask& task : asyncio::all_tasks())
      if (task != *asyncio::current_task()) co_await passes(1);
  });
  EXPECT_LE(told.size(), 2u)
      << "those who read get an IncompleteReadError, and those who drain nothing worse";
}

TEST(Step6_End, ServeForeverServesUntilItIsCancelled) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0, {.start_serving = false});
    EXPECT_FALSE(server.is_serving());
    const std::uint16_t port = local_port(server.sockets()[0]);
    EXPECT_EQ(error_of_connect(port), std::errc::connection_refused) << "it does not listen yet";
    Task<> serves = create_task(server.serve_forever());
    co_await passes(2);
    EXPECT_TRUE(server.is_serving());
    const Fd client = co_await served_client(server);
    serves.cancel();
    EXPECT_EQ(co_await error_when(serves), "cancelled");
    EXPECT_FALSE(server.is_serving());
    EXPECT_EQ(error_of_connect(port), std::errc::connection_refused);
    EXPECT_TRUE(at_end(client)) << "and its clients are gone: else one of them could hold it up for ever";
    co_await server.wait_closed();
  });
}

TEST(Step6_End, ServeForeverEndsWhenTheServerIsClosed) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    const Fd client = co_await served_client(server);
    const Task<> serves = create_task(server.serve_forever());
    co_await passes(2);
    server.close();
    EXPECT_EQ(co_await error_when(serves), "cancelled");
    EXPECT_TRUE(at_end(client)) << "its clients are gone in this case, too";
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(co_await error_when(server.serve_forever()), "server is closed")
          << "a closed server serves nobody";
  });
}

TEST(Step6_End, ServeForeverWaitsUntilItsClientsHaveTheRest) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const std::string text = long_text(8'000'000);
    const Server server = co_await start_server(pours(text), "127.0.0.1", 0);
    Task<> serves = create_task(server.serve_forever());
    const Fd client = client_of(server);
    EXPECT_EQ(co_await take(client, 1), text.substr(0, 1));
    serves.cancel();
    co_await passes(3);
    EXPECT_FALSE(serves.done()) << "there is one who has not got all yet";
    EXPECT_EQ(co_await error_when(server.serve_forever()),
              "server is already being awaited on serve_forever()")
        << "it is closed, too, but the first is still in it";
    EXPECT_TRUE(co_await take(client, text.size() - 1) == text.substr(1));
    EXPECT_EQ(co_await error_when(serves), "cancelled");
    EXPECT_TRUE(at_end(client));
  });
}

TEST(Step6_End, WhoCancelsServeForeverTwiceDoesNotWaitForClients) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const std::string text = long_text(8'000'000);
    const Server server = co_await start_server(pours(text), "127.0.0.1", 0);
    Task<> serves = create_task(server.serve_forever());
    const Fd client = client_of(server);
    EXPECT_EQ(co_await take(client, 1), text.substr(0, 1));
    serves.cancel();
    co_await passes(3);
    EXPECT_FALSE(serves.done()) << "there is one who has not got all yet";
    serves.cancel();
    co_await passes(3);
    EXPECT_TRUE(serves.done()) << "or a client that does not read could hold up the program for ever";
    EXPECT_TRUE(co_await take(client, text.size() - 1) == text.substr(1)) << "it still gets the rest";
    EXPECT_EQ(co_await error_when(serves), "cancelled");
    co_await server.wait_closed();
    EXPECT_TRUE(at_end(client)) << "and then the end";
  });
}

TEST(Step6_End, AServerThatCouldNotListenMayTryAgain) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0, {.start_serving = false});
    {
      const course::CallsFail fails(listen_calls, EADDRINUSE);
      EXPECT_NE((co_await error_when(server.serve_forever())).find("Address already in use"),
                std::string::npos);
    }
    EXPECT_FALSE(server.is_serving());
    Task<> serves = create_task(server.serve_forever());
    co_await passes(2);
    EXPECT_FALSE(serves.done()) << "nobody else is in it";
    EXPECT_TRUE(server.is_serving());
    if (server.is_serving()) const Fd client = co_await served_client(server);
    serves.cancel();
    EXPECT_EQ(co_await error_when(serves), "cancelled");
  });
}

TEST(Step6_End, TwoCannotServeForeverAtATime) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    Task<> serves = create_task(server.serve_forever());
    co_await passes(1);
    for (int i = 0; i < 2; ++i) {
      Task<> refused = create_task(server.serve_forever());
      co_await passes(2);
      EXPECT_TRUE(refused.done()) << "also after another was refused";
      refused.cancel();
      EXPECT_EQ(co_await error_when(refused), "server is already being awaited on serve_forever()");
    }
    EXPECT_FALSE(serves.done());
    const Fd client = co_await served_client(server);
    server.close();
    co_await passes(3);
    EXPECT_TRUE(serves.done()) << "close() finds the one that serves";
    serves.cancel();
    EXPECT_EQ(co_await error_when(serves), "cancelled");
  });
}

TEST(Step6_End, StartServingBegins) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0, {.start_serving = false});
    co_await server.start_serving();
    co_await server.start_serving();
    EXPECT_TRUE(server.is_serving());
    const Fd client = co_await served_client(server);
    server.close();
    EXPECT_NE(co_await error_when(server.start_serving()), "nothing");
  });
}

TEST(Step6_End, TheLastHandleClosesIt) {
  run([](EpollLoop&) -> Coro<> {
    std::optional<Server> server = co_await start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = local_port(server->sockets()[0]);
    const Fd client = co_await served_client(*server);
    std::optional<Server> copy = server;
    server.reset();
    EXPECT_EQ(error_of_connect(port), std::error_code());
    copy.reset();
    EXPECT_EQ(error_of_connect(port), std::errc::connection_refused);
    put(client, "still served");
    EXPECT_EQ(co_await take(client, 12), "still served");
  });
}

TEST(Step6_End, AServerMayOutliveItsLoop) {
  const NoDescriptorIsLeft none_is_left_open;
  std::optional<Server> kept;
  Fd client;
  {
    EpollLoop e;
    e.run([&]() -> Coro<> {
      kept = co_await start_server(echo, "127.0.0.1", 0);
      client = co_await served_client(*kept);
    });
    e.told.clear();
  }
  EXPECT_FALSE(kept->is_serving());
  EXPECT_TRUE(at_end(client));
  kept->close();
  kept.reset();
  client.close();
}
