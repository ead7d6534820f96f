// Chapter 12, step 7: names, several addresses, and happy eyeballs.

#include "epoll_run.hpp"
#include "open_connection.hpp"
#include "stream_server.hpp"

#include "support.hpp"

#include <netdb.h>

#include <atomic>
#include <optional>
#include <semaphore>
#include <tuple>

#include "failing_calls.hpp"

using asyncio::connect_first;
using asyncio::GaiError;
using asyncio::open_connection;
using asyncio::open_unix_connection;
using asyncio::Server;
using asyncio::start_server;
using asyncio::StreamReader;
using asyncio::Streams;
using asyncio::StreamWriter;

namespace {

std::binary_semaphore asked(0);
std::binary_semaphore answer(0);
std::atomic<int> look_ups = 0;

}  // namespace

/// Stands in front of the system's, as a name server: "twins" has two addresses, "slow" waits for the test,
/// "mixed" has one twice and one that this machine has not, "away" has only that, and other names nobody
/// knows.
extern "C" int getaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** found) {
  static const auto real =
      course::in_the_library<int(const char*, const char*, const addrinfo*, addrinfo**)>("getaddrinfo");
  const bool number = hints && (hints->ai_flags & (AI_NUMERICHOST | AI_PASSIVE)) != 0;
  if (number) return real(host, port, hints, found);
  ++look_ups;
  const std::string name = host;
  if (name == "slow") {
    asked.release();
    answer.acquire();
    return real("127.0.0.1", port, hints, found);
  }
  if (name == "away") return real("192.0.2.1", port, hints, found);
  if (name == "mixed") {
    const int failed =
        real("192.0.2.1", port, hints, found) + real("127.0.0.1", port, hints, &(*found)->ai_next);
    return failed ? failed : real("127.0.0.1", port, hints, &(*found)->ai_next->ai_next);
  }
  if (name != "twins") return EAI_NONAME;
  const int failed = real("127.0.0.2", port, hints, found);
  return failed ? failed : real("127.0.0.1", port, hints, &(*found)->ai_next);
}

namespace {

Coro<> greet(StreamReader, StreamWriter writer) {
  writer.write("hello");
  co_return;
}

/// Listens at a port that is free. @returns the listener, and its address
std::pair<Fd, SocketAddress> listening(const char* host = "127.0.0.1", int backlog = 100) {
  Fd listener = asyncio::listen_at(SocketAddress::tcp(host, 0), backlog);
  const SocketAddress address = SocketAddress::of_self(listener);
  return {std::move(listener), address};
}

/// An address where nobody listens.
SocketAddress nobody() { return listening().second; }

/// An address that answers nothing: its listener has no room for another connection.
struct Silent {
  Fd listener;
  SocketAddress address = SocketAddress::tcp("127.0.0.1", 0);
  std::vector<Fd> first;

  Silent() {
    std::tie(listener, address) = listening("127.0.0.1", 0);
    while (true) {
      first.push_back(asyncio::socket_for(address));
      ::connect(first.back().get(), address.get(), address.size());
      pollfd connected{first.back().get(), POLLOUT, 0};
      if (::poll(&connected, 1, 20) == 0) return;
    }
  }
};

/// Connects to the first of them. @returns the address that has answered
template <class Delay = std::optional<concurrent::AnyDuration>>
Coro<std::string> first_of(std::vector<SocketAddress> addresses, Delay delay = std::nullopt) {
  const Fd fd = co_await connect_first(std::move(addresses), delay);
  co_return SocketAddress::of_peer(fd).text();
}

template <class F>
Log run(F main) {
  EpollLoop e;
  e.run([&] { return main(); });
  return e.told;
}

}  // namespace

TEST(Step7_Names, AConnectionIsMade) {  // AIO-114
  const NoDescriptorIsLeft none_is_left_open;
  const Log told = run([]() -> Coro<> {
    const Server server = co_await start_server(greet, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", local_port(server.sockets()[0]));
    EXPECT_EQ(co_await reader.read(), "hello");
    writer.close();
    co_await writer.wait_closed();
    server.close();
    co_await server.wait_closed();
  });
  EXPECT_EQ(told, Log{});
}

TEST(Step7_Names, OverAUnixSocketToo) {  // AIO-114
  const TemporaryFolder folder;
  run([&]() -> Coro<> {
    const Server server = co_await asyncio::start_unix_server(greet, folder / "socket");
    const Streams s = co_await open_unix_connection(folder / "socket");
    EXPECT_EQ(co_await s.reader.read(), "hello");
    EXPECT_EQ(s.writer.get_extra_info("peername"), folder / "socket");
    EXPECT_NE(co_await error_when(open_unix_connection(folder / "nobody")), "nothing");
  });
}

TEST(Step7_Names, TheLimitIsThatOfTheReader) {  // AIO-114
  run([]() -> Coro<> {
    const Server server = co_await start_server(greet, "127.0.0.1", 0);
    const Streams s = co_await open_connection("127.0.0.1", local_port(server.sockets()[0]), {.limit = 3});
    EXPECT_THROW(co_await s.reader.readuntil("x"), asyncio::LimitOverrunError);
  });
}

TEST(Step7_Names, RunHasALoopThatWatchesFiles) {
  const auto main = []() -> Coro<std::string> {
    const Server server = co_await start_server(greet, "127.0.0.1", 0);
    const Streams s = co_await open_connection("127.0.0.1", local_port(server.sockets()[0]));
    co_return co_await s.reader.read();
  };
  EXPECT_EQ(asyncio::run(main()), "hello");
  EXPECT_THROW(asyncio::run(main(), {.loop_factory = asyncio::new_event_loop}), std::logic_error)
      << "a factory is asked, if there is one";
}

TEST(Step7_Names, ANameIsLookedUp) {  // AIO-117
  const NoDescriptorIsLeft none_is_left_open;
  run([]() -> Coro<> {
    const Server server = co_await start_server(greet, "127.0.0.1", 0);
    look_ups = 0;
    const Streams s = co_await open_connection("twins", local_port(server.sockets()[0]));
    EXPECT_EQ(co_await s.reader.read(), "hello") << "nobody listens at the first address, but at the second";
    EXPECT_EQ(look_ups, 1);
    const Streams again = co_await open_connection("127.0.0.1", local_port(server.sockets()[0]));
    EXPECT_EQ(look_ups, 1) << "a number need not be looked up";
  });
}

TEST(Step7_Names, AServerListensOnceAtEachAddressThatThereIs) {  // AIO-114
  const NoDescriptorIsLeft none_is_left_open;
  run([]() -> Coro<> {
    const Server server = co_await start_server(greet, "mixed", 0);
    EXPECT_EQ(server.sockets().size(), 1u);
    const Streams s = co_await open_connection("127.0.0.1", local_port(server.sockets()[0]));
    EXPECT_EQ(co_await s.reader.read(), "hello");
    const std::string error = co_await error_when(start_server(greet, "away", 0));
    EXPECT_NE(error.find("192.0.2.1"), std::string::npos) << error;
  });
}

TEST(Step7_Names, WhileANameIsLookedUpTheLoopRuns) {  // AIO-117
  run([]() -> Coro<> {
    const Server server = co_await start_server(greet, "127.0.0.1", 0);
    const Task<Streams> connected = create_task(open_connection("slow", local_port(server.sockets()[0])));
    co_await until([] { return asked.try_acquire(); });
    co_await passes(3);
    EXPECT_FALSE(connected.done()) << "and yet this runs";
    answer.release();
    EXPECT_EQ(co_await (co_await connected).reader.read(), "hello");
  });
}

TEST(Step7_Names, ALookUpCanBeGivenUp) {  // AIO-117
  run([]() -> Coro<> {
    const Server server = co_await start_server(greet, "127.0.0.1", 0);
    Task<Streams> connected = create_task(open_connection("slow", 1));
    co_await until([] { return asked.try_acquire(); });
    connected.cancel();
    EXPECT_EQ(co_await error_when(connected), "cancelled");
    answer.release();  // into the void
    Task<Server> started = create_task(start_server(greet, "slow", 0));
    co_await until([] { return asked.try_acquire(); });
    started.cancel();
    EXPECT_EQ(co_await error_when(started), "cancelled") << "a server may have a name, too";
    answer.release();
    const Streams s = co_await open_connection("127.0.0.1", local_port(server.sockets()[0]));
    EXPECT_EQ(co_await s.reader.read(), "hello");
  });
}

TEST(Step7_Names, ANameThatNobodyKnowsIsAnError) {  // AIO-117
  run([]() -> Coro<> {
    int code = 0;
    try {
      co_await open_connection("no.such.name.invalid", 80);
    } catch (const GaiError& error) {
      code = error.code;
      EXPECT_NE(std::string(error.what()).find("no.such.name.invalid"), std::string::npos);
    }
    EXPECT_EQ(code, EAI_NONAME);
    const auto [listener, address] = listening();
    const std::vector<SocketAddress> known = {address};
    EXPECT_EQ(co_await first_of(known), address.text());
  });
}

TEST(Step7_Names, EachAddressIsTriedInTurn) {  // AIO-117
  const NoDescriptorIsLeft none_is_left_open;
  run([]() -> Coro<> {
    const auto [listener, address] = listening();
    const std::vector<SocketAddress> all = {nobody(), nobody(), address};
    EXPECT_EQ(co_await first_of(all), address.text());
  });
}

TEST(Step7_Names, TheFirstThatAnswersIsIt) {  // AIO-117
  run([]() -> Coro<> {
    const auto [one, address_of_one] = listening();
    const auto [other, address_of_other] = listening();
    const std::vector<SocketAddress> all = {address_of_one, address_of_other};
    EXPECT_EQ(co_await first_of(all), address_of_one.text());
    co_await passes(2);
    EXPECT_FALSE(asyncio::accept(other)) << "nobody has tried the other";
  });
}

TEST(Step7_Names, IfNoneAnswersThereIsOneErrorForAll) {  // AIO-117
  const NoDescriptorIsLeft none_is_left_open;
  const Log told = run([]() -> Coro<> {
    const SocketAddress one = nobody();
    const SocketAddress other = SocketAddress::local("/nowhere/at/all");
    const std::vector<SocketAddress> alone = {one}, same = {one, one}, both = {one, other}, none;
    const std::string refused = co_await error_when(first_of(alone));
    EXPECT_NE(refused.find(one.text()), std::string::npos) << refused;
    EXPECT_NE(refused.find("Connection refused"), std::string::npos) << refused;
    EXPECT_EQ(co_await error_when(first_of(same)), refused) << "the same twice is one";
    const std::string error = co_await error_when(first_of(both));
    EXPECT_TRUE(error.starts_with("Multiple exceptions: " + refused + ", ")) << error;
    EXPECT_NE(error.find("/nowhere/at/all"), std::string::npos) << error;
    EXPECT_NE(co_await error_when(first_of(none)), "nothing");
  });
  EXPECT_EQ(told, Log{}) << "and nothing is left over to be reported";
}

TEST(Step7_Names, WithoutADelayASilentAddressHoldsUpTheOthers) {  // AIO-117
  const Silent silent;
  const NoDescriptorIsLeft none_is_left_open;
  run([&]() -> Coro<> {
    const auto [listener, address] = listening();
    const std::vector<SocketAddress> all = {silent.address, address};
    Task<std::string> first = create_task(first_of(all));
    co_await passes(20);
    EXPECT_FALSE(first.done());
    EXPECT_FALSE(asyncio::accept(listener));
    first.cancel();
    EXPECT_EQ(co_await error_when(first), "cancelled");
    EXPECT_EQ(asyncio::all_tasks().size(), 1u) << "no attempt goes on";
  });
}

TEST(Step7_Names, WithADelayTheNextIsTriedBesideIt) {  // AIO-117
  const Silent silent;
  const NoDescriptorIsLeft none_is_left_open;
  run([&]() -> Coro<> {
    const auto [listener, address] = listening();
    const std::vector<SocketAddress> all = {silent.address, silent.address, address};
    EXPECT_EQ(co_await first_of(all, std::optional<concurrent::AnyDuration>(1ms)), address.text());
    EXPECT_EQ(asyncio::all_tasks().size(), 1u) << "the others have been given up";
  });
}

TEST(Step7_Names, AnErrorDoesNotWaitForTheDelay) {  // AIO-117
  run([]() -> Coro<> {
    const auto [listener, address] = listening();
    const std::vector<SocketAddress> all = {nobody(), nobody(), address};
    EXPECT_EQ(co_await first_of(all, std::optional<concurrent::AnyDuration>(24h)), address.text());
  });
}

TEST(Step7_Names, FamiliesTakeTurns) {
  const auto four = [](int n) { return SocketAddress::tcp("127.0.0." + std::to_string(n), 80); };
  const auto six = [](int n) { return SocketAddress::tcp("::" + std::to_string(n), 80); };
  Log order;
  for (const SocketAddress& address : asyncio::interleaved({six(1), six(2), six(3), four(1), four(2)}))
    order.push_back(address.text());
  EXPECT_EQ(order, (Log{"[::1]:80", "127.0.0.1:80", "[::2]:80", "127.0.0.2:80", "[::3]:80"}));
  run([]() -> Coro<> {
    const auto [listener, address] = listening();
    const std::vector<SocketAddress> all = {nobody(), address};
    EXPECT_EQ(co_await first_of(all), address.text());
  });
}
