// Chapter 12, step 6: a server, its clients, and what they do to it.

#include "served.hpp"

#include <optional>

using asyncio::Server;
using asyncio::start_server;
using asyncio::start_unix_server;
using asyncio::StreamReader;
using asyncio::StreamWriter;

namespace {

/// Runs `main(loop)`; no descriptor is left open.
template <class F>
Log run(F main) {
  const NoDescriptorIsLeft none_is_left_open;
  EpollLoop e;
  e.run([&] { return main(e); });
  return e.told;
}

}  // namespace

TEST(Step6_Server, AHandlerServesEachClient) {  // AIO-114
  const Log told = run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    const Fd one = client_of(server);
    const Fd other = client_of(server);
    put(one, "one");
    put(other, "other");
    EXPECT_EQ(co_await take(other, 5), "other");
    EXPECT_EQ(co_await take(one, 3), "one");
    put(one, " more");
    EXPECT_EQ(co_await take(one, 5), " more");
  });
  EXPECT_EQ(told, Log{});
}

TEST(Step6_Server, WhenTheHandlerReturnsTheClientIsAtTheEnd) {  // AIO-114
  run([](EpollLoop&) -> Coro<> {
    const auto greet = [](StreamReader, StreamWriter writer) -> Coro<> {
      writer.write("hello");
      co_return;
    };
    const Server server = co_await start_server(greet, "127.0.0.1", 0);
    const Fd client = client_of(server);
    EXPECT_EQ(co_await take(client, 5), "hello");
    co_await until([&] { return at_end(client); });
  });
}

TEST(Step6_Server, AHandlerMayTakeReferences) {  // AIO-114
  run([](EpollLoop&) -> Coro<> {
    const auto shout = [](StreamReader& reader, StreamWriter& writer) -> Coro<> {
      writer.write(co_await reader.readline() + "!");
    };
    const Server server = co_await start_server(shout, "127.0.0.1", 0);
    const Fd client = client_of(server);
    put(client, "hey\n");
    EXPECT_EQ(co_await take(client, 5), "hey\n!");
  });
}

TEST(Step6_Server, AHandlerMayBeAPlainFunction) {  // AIO-114
  run([](EpollLoop&) -> Coro<> {
    std::vector<StreamWriter> kept;
    const auto keep = [&](const StreamReader&, const StreamWriter& writer) { kept.push_back(writer); };
    const Server server = co_await start_server(keep, "127.0.0.1", 0);
    const Fd client = client_of(server);
    co_await until([&] { return !kept.empty(); });
    kept[0].write("later");
    EXPECT_EQ(co_await take(client, 5), "later");
    EXPECT_FALSE(at_end(client)) << "somebody has a writer";
    kept.clear();
    co_await until([&] { return at_end(client); });
  });
}

TEST(Step6_Server, AWriterThatIsKeptOutlivesItsHandler) {  // AIO-114
  run([](EpollLoop&) -> Coro<> {
    std::vector<StreamWriter> kept;
    const auto keep = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      co_await reader.readline();
      kept.push_back(writer);
    };
    const Server server = co_await start_server(keep, "127.0.0.1", 0);
    const Fd client = client_of(server);
    put(client, "line\n");
    co_await until([&] { return !kept.empty(); });
    co_await passes(3);
    EXPECT_FALSE(kept[0].is_closing()) << "the handler has ended well, and somebody has a writer";
    kept[0].write("later");
    EXPECT_EQ(co_await take(client, 5), "later");
    kept.clear();
    co_await until([&] { return at_end(client); });
  });
}

TEST(Step6_Server, AHandlersCapturesLiveAsLongAsItsClients) {
  run([](EpollLoop&) -> Coro<> {
    std::optional<Server> server;
    {
      const auto word = std::make_shared<std::string>("captured");
      const auto handler = [word](StreamReader reader, StreamWriter writer) -> Coro<> {
        co_await reader.readline();
        writer.write(*word);
      };
      server = co_await start_server(handler, "127.0.0.1", 0);
    }
    const Fd client = client_of(*server);
    put(client, "first ");
    co_await passes(3);
    server.reset();
    put(client, "line\n");
    EXPECT_EQ(co_await take(client, 8), "captured");
  });
}

TEST(Step6_Server, AHandlerThatThrowsIsReportedAndItsClientIsCutOff) {  // AIO-115
  const Log told = run([](EpollLoop&) -> Coro<> {
    std::vector<StreamWriter> kept;
    const auto fail = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      kept.push_back(writer);
      if (co_await reader.readline() == "fail\n") throw std::runtime_error("as you like it");
      writer.write("fine");
    };
    const Server server = co_await start_server(fail, "127.0.0.1", 0);
    const Fd bad = client_of(server);
    const Fd good = client_of(server);
    put(bad, "fail\n");
    co_await until([&] { return at_end(bad); });
    put(good, "do not\n");
    EXPECT_EQ(co_await take(good, 4), "fine") << "the server serves on";
  });
  EXPECT_EQ(told, Log{"Unhandled exception in client_connected_cb: as you like it"});
}

TEST(Step6_Server, APlainFunctionThatThrowsIsReportedToo) {  // AIO-115
  const Log told = run([](EpollLoop&) -> Coro<> {
    std::vector<StreamWriter> kept;
    const auto fail = [&](StreamReader, StreamWriter writer) {
      kept.push_back(writer);
      throw std::runtime_error("not today");
    };
    const Server server = co_await start_server(fail, "127.0.0.1", 0);
    const Fd client = client_of(server);
    co_await until([&] { return at_end(client); });
  });
  EXPECT_EQ(told, Log{"Unhandled exception in client_connected_cb: not today"});
}

TEST(Step6_Server, WhateverIsThrownIsReported) {  // AIO-115
  const Log told = run([](EpollLoop&) -> Coro<> {
    const auto fail = [](StreamReader reader, StreamWriter) -> Coro<> {
      co_await reader.readline();
      throw 404;
    };
    const Server server = co_await start_server(fail, "127.0.0.1", 0);
    const Fd client = client_of(server);
    put(client, "line\n");
    co_await until([&] { return at_end(client); });
  });
  EXPECT_EQ(told.size(), 1u);
  for (const std::string& line : told)
    EXPECT_TRUE(line.starts_with("Unhandled exception in client_connected_cb")) << line;
}

TEST(Step6_Server, WhatWasWrittenBeforeAHandlerThrowsIsSent) {  // AIO-115
  const Log told = run([](EpollLoop&) -> Coro<> {
    const std::string text = long_text(8'000'000);
    std::optional<asyncio::AnyTask> task;
    const auto fail = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      task = asyncio::current_task();
      writer.write(text);
      if (co_await reader.readline() == "fail\n") throw std::runtime_error("sorry");
      task->cancel();
      co_await reader.read();
    };
    const Server server = co_await start_server(fail, "127.0.0.1", 0);
    for (const char* how : {"fail\n", "be cancelled\n"}) {
      const Fd client = client_of(server);
      put(client, how);
      co_await until([&] { return task && task->done(); });
      EXPECT_TRUE(co_await take(client, text.size()) == text);
      co_await until([&] { return at_end(client); });
      task.reset();
    }
  });
  EXPECT_EQ(told.size(), 1u);
}

TEST(Step6_Server, AHandlerThatIsCancelledEndsInSilence) {  // AIO-115
  const Log told = run([](EpollLoop&) -> Coro<> {
    std::optional<asyncio::AnyTask> task;
    std::vector<StreamWriter> kept;
    const auto wait = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      task = asyncio::current_task();
      kept.push_back(writer);
      co_await reader.read();
    };
    const Server server = co_await start_server(wait, "127.0.0.1", 0);
    const Fd client = client_of(server);
    co_await until([&] { return task.has_value(); });
    task->cancel();
    co_await until([&] { return task->done(); });
    EXPECT_TRUE(task->cancelled()) << "it was the handler's task that was cancelled";
    EXPECT_TRUE(kept[0].is_closing()) << "nobody serves this client any more: it is not to wait for that";
    kept.clear();
    co_await until([&] { return at_end(client); });
  });
  EXPECT_EQ(told, Log{}) << "whoever cancelled it knows";
}

TEST(Step6_Server, AClientIsClosedEvenIfItsWriterWasMovedAway) {  // AIO-115
  const Log told = run([](EpollLoop&) -> Coro<> {
    std::optional<asyncio::AnyTask> task;
    std::vector<StreamWriter> kept;
    const auto move_away = [&](StreamReader& reader, StreamWriter& writer) -> Coro<> {
      task = asyncio::current_task();
      kept.push_back(std::move(writer));
      if (co_await reader.readline() == "fail\n") throw std::runtime_error("in spite of all");
      task->cancel();
      co_await reader.read();
    };
    const Server server = co_await start_server(move_away, "127.0.0.1", 0);
    for (const std::string how : {"fail", "be cancelled"}) {
      const Fd client = client_of(server);
      put(client, how + "\n");
      co_await until([&] { return task && task->done(); });
      EXPECT_TRUE(kept.back().is_closing())
          << "told to " << how
          << ": a handler may have moved its writer away, and its client is closed all the same";
      kept.clear();
      co_await until([&] { return at_end(client); });
      task.reset();
    }
  });
  EXPECT_EQ(told, Log{"Unhandled exception in client_connected_cb: in spite of all"});
}

TEST(Step6_Server, AClientThatResetsEndsItsOwnHandlerAlone) {  // AIO-115
  const Log told = run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    Fd bad = client_of(server);
    const Fd good = client_of(server);
    put(bad, "x");
    EXPECT_EQ(co_await take(bad, 1), "x");
    reset(std::move(bad));
    put(good, "still here");
    EXPECT_EQ(co_await take(good, 10), "still here");
    co_await passes(3);
  });
  EXPECT_EQ(told.size(), 1u) << "echo() does not catch it";
}

TEST(Step6_Server, ALineOverTheLimitIsTheHandlersAffair) {  // AIO-108 AIO-114
  const Log told = run([](EpollLoop&) -> Coro<> {
    const auto lines = [](StreamReader reader, StreamWriter writer) -> Coro<> {
      std::string answer;
      try {
        answer = co_await reader.readline();
      } catch (const std::invalid_argument&) {
        answer = "414 too long";
      }
      writer.write(answer);
    };
    const Server server = co_await start_server(lines, "127.0.0.1", 0, {.limit = 16});
    const Fd client = client_of(server);
    put(client, std::string(100, 'x') + "\n");
    EXPECT_EQ(co_await take(client, 12), "414 too long");
  });
  EXPECT_EQ(told, Log{});
}

TEST(Step6_Server, AUnixSocketIsThereUntilItIsClosed) {  // AIO-114
  const TemporaryFolder folder;
  const std::string path = folder / "server";
  run([&](EpollLoop&) -> Coro<> {
    const Server server = co_await start_unix_server(echo, path);
    const SocketAddress address = SocketAddress::local(path);
    const Fd client = asyncio::socket_for(address);
    EXPECT_EQ(::connect(client.get(), address.get(), address.size()), 0);
    put(client, "unix");
    EXPECT_EQ(co_await take(client, 4), "unix");
    EXPECT_TRUE(std::filesystem::exists(path));
    server.close();
    EXPECT_FALSE(std::filesystem::exists(path));
  });
}

TEST(Step6_Server, WhatAnEarlierServerHasLeftAtThePathIsRemoved) {  // AIO-114
  const TemporaryFolder folder;
  const std::string path = folder / "server";
  run([&](EpollLoop&) -> Coro<> {
    { const Fd stale = asyncio::listen_at(SocketAddress::local(path)); }
    const Server server = co_await start_unix_server(echo, path);
    const SocketAddress address = SocketAddress::local(path);
    const Fd client = asyncio::socket_for(address);
    EXPECT_EQ(::connect(client.get(), address.get(), address.size()), 0);
    put(client, "mine");
    EXPECT_EQ(co_await take(client, 4), "mine");
  });
}

TEST(Step6_Server, TheFileOfAnotherServerStays) {  // AIO-114
  const TemporaryFolder folder;
  const std::string path = folder / "server";
  run([&](EpollLoop&) -> Coro<> {
    const Server before = co_await start_unix_server(echo, path);
    const Server server = co_await start_unix_server(echo, path);  // which takes its place
    before.close();
    const SocketAddress address = SocketAddress::local(path);
    const Fd client = asyncio::socket_for(address);
    EXPECT_EQ(::connect(client.get(), address.get(), address.size()), 0)
        << "it is not the first one's any more";
    put(client, "mine");
    EXPECT_EQ(co_await take(client, 4), "mine");
  });
}

TEST(Step6_Server, APortThatIsTakenIsAnError) {  // AIO-116
  run([](EpollLoop&) -> Coro<> {
    const Server server = co_await start_server(echo, "127.0.0.1", 0);
    const std::uint16_t port = local_port(server.sockets()[0]);
    std::error_code code;
    try {
      const Server second = co_await start_server(echo, "127.0.0.1", port);
    } catch (const std::system_error& error) {
      code = error.code();
    }
    EXPECT_EQ(code, std::errc::address_in_use);
    const Fd client = client_of(server);
    put(client, "mine");
    EXPECT_EQ(co_await take(client, 4), "mine");
  });
}
