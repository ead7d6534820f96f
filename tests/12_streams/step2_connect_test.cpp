// Chapter 12, step 2: a task connects, and takes connections.

#include "sock_io.hpp"

#include "support.hpp"

#include <tuple>

using asyncio::listen_at;
using asyncio::socket_for;

namespace {

/// Listens at a port that is free. @returns the listener, and its address
std::pair<Fd, SocketAddress> listening(int backlog = 100) {
  Fd listener = listen_at(SocketAddress::tcp("127.0.0.1", 0), backlog);
  const SocketAddress address = SocketAddress::of_self(listener);
  return {std::move(listener), address};
}

/// An address that answers nothing: of a listener that has no room for another connection, and so the system
/// lets the requests for one fall.
struct Silent {
  Fd listener;
  SocketAddress address = SocketAddress::tcp("127.0.0.1", 0);
  std::vector<Fd> first;

  Silent() {
    std::tie(listener, address) = listening(0);
    while (true) {
      first.push_back(socket_for(address));
      ::connect(first.back().get(), address.get(), address.size());
      pollfd connected{first.back().get(), POLLOUT, 0};
      if (::poll(&connected, 1, 20) == 0) return;
    }
  }
};

}  // namespace

TEST(Step2_Connect, AConnectionIsMadeAndTaken) {  // AIO-100
  EpollLoop e;
  auto [listener, address] = listening();
  const Fd client = socket_for(address);
  e.run([&, &listener = listener, &address = address]() -> Coro<> {
    const Task<Fd> accepted = create_task(e.loop.sock_accept(listener));
    co_await passes(2);
    EXPECT_FALSE(accepted.done()) << "nobody has come";
    co_await e.loop.sock_connect(client, address);
    const Fd& server = co_await accepted;
    co_await e.loop.sock_sendall(client, "hello");
    EXPECT_EQ(co_await e.loop.sock_recv(server, 10), "hello");
  });
}

TEST(Step2_Connect, WhoWaitsToBeTakenIsTakenAtOnce) {  // AIO-100
  EpollLoop e;
  auto [listener, address] = listening();
  const Fd one = socket_for(address);
  const Fd other = socket_for(address);
  e.run([&, &listener = listener, &address = address]() -> Coro<> {
    co_await e.loop.sock_connect(one, address);
    co_await e.loop.sock_connect(other, address);
    const Fd first = co_await e.loop.sock_accept(listener);
    const Fd second = co_await e.loop.sock_accept(listener);
    put(one, "1");
    put(other, "2");
    EXPECT_EQ(co_await e.loop.sock_recv(first, 10), "1") << "in the order in which they came";
    EXPECT_EQ(co_await e.loop.sock_recv(second, 10), "2");
  });
}

TEST(Step2_Connect, WhereNobodyListensItIsRefused) {  // AIO-100
  EpollLoop e;
  const SocketAddress address = listening().second;  // whose listener has gone
  const Fd client = socket_for(address);
  EXPECT_EQ(code_of([&] { e.loop.run_until_complete(e.loop.sock_connect(client, address)); }),
            std::errc::connection_refused);
  EXPECT_FALSE(e.loop.remove_writer(client.get()));
}

TEST(Step2_Connect, TheErrorNamesTheAddress) {
  EpollLoop e;
  const SocketAddress address = listening().second;
  const Fd client = socket_for(address);
  const std::string error =
      error_of([&] { e.loop.run_until_complete(e.loop.sock_connect(client, address)); });
  EXPECT_NE(error.find(address.text()), std::string::npos) << error;
}

TEST(Step2_Connect, AnAddressThatAnswersNothingIsWaitedForAndGivenUp) {  // AIO-100
  EpollLoop e;
  const Silent silent;
  const Fd client = socket_for(silent.address);
  e.run([&]() -> Coro<> {
    Task<> connected = create_task(e.loop.sock_connect(client, silent.address));
    co_await passes(5);
    EXPECT_FALSE(connected.done());
    connected.cancel();
    EXPECT_EQ(co_await error_when(connected), "cancelled");
    EXPECT_FALSE(e.loop.remove_writer(client.get()));
  });
}

TEST(Step2_Connect, AnAddressThatAnswersLaterIsConnectedLater) {  // AIO-100
  EpollLoop e;
  Silent silent;
  const Fd client = socket_for(silent.address);
  e.run([&]() -> Coro<> {
    const Task<> connected = create_task(e.loop.sock_connect(client, silent.address));
    co_await passes(2);
    silent.first.pop_back();
    while (asyncio::accept(silent.listener)) {
    }
    co_await connected;  // the system asks again after a second
    const Fd server = co_await e.loop.sock_accept(silent.listener);
    put(client, "at last");
    EXPECT_EQ(co_await e.loop.sock_recv(server, 10), "at last");
  });
}

TEST(Step2_Connect, ARefusalMayComeLaterToo) {  // AIO-100
  EpollLoop e;
  Silent silent;
  const Fd client = socket_for(silent.address);
  e.run([&]() -> Coro<> {
    const Task<> connected = create_task(e.loop.sock_connect(client, silent.address));
    co_await passes(2);
    silent.listener.close();
    const std::string error = co_await error_when(connected);
    EXPECT_NE(error.find(silent.address.text()), std::string::npos) << error;
    EXPECT_EQ(code_of([&] { connected.result(); }), std::errc::connection_refused);
  });
}

TEST(Step2_Connect, ATimeLimitEndsItToo) {
  EpollLoop e;
  const Silent silent;
  const Fd client = socket_for(silent.address);
  e.run([&]() -> Coro<> {
    EXPECT_THROW(co_await asyncio::wait_for(e.loop.sock_connect(client, silent.address), 1ms),
                 concurrent::TimeoutError);
  });
}

TEST(Step2_Connect, ATaskThatTakesConnectionsCanBeCancelled) {  // AIO-100
  EpollLoop e;
  auto [listener, address] = listening();
  const Fd client = socket_for(address);
  e.run([&, &listener = listener, &address = address]() -> Coro<> {
    Task<Fd> given_up = create_task(e.loop.sock_accept(listener));
    co_await passes(2);
    given_up.cancel();
    EXPECT_EQ(co_await error_when(given_up), "cancelled");
    EXPECT_FALSE(e.loop.remove_reader(listener.get()));
    const Task<Fd> next = create_task(e.loop.sock_accept(listener));
    co_await e.loop.sock_connect(client, address);
    co_await next;
  });
}

TEST(Step2_Connect, AUnixSocketIsAnAddressToo) {  // AIO-100
  EpollLoop e;
  const TemporaryFolder folder;
  const SocketAddress address = SocketAddress::local(folder / "socket");
  const Fd listener = listen_at(address);
  const Fd client = socket_for(address);
  e.run([&]() -> Coro<> {
    const Task<> connected = create_task(e.loop.sock_connect(client, address));
    co_await sleep(0s);
    EXPECT_TRUE(connected.done()) << "the system answers at once, and there is nothing to wait for";
    co_await connected;
    const Fd server = co_await e.loop.sock_accept(listener);
    co_await e.loop.sock_sendall(server, "unix");
    EXPECT_EQ(co_await e.loop.sock_recv(client, 10), "unix");
  });
}

TEST(Step2_Connect, AUnixSocketThatIsNotThereIsAnErrorAtOnce) {
  EpollLoop e;
  const TemporaryFolder folder;
  const SocketAddress address = SocketAddress::local(folder / "nobody");
  const Fd client = socket_for(address);
  EXPECT_EQ(code_of([&] { e.loop.run_until_complete(e.loop.sock_connect(client, address)); }),
            std::errc::no_such_file_or_directory);
  const std::string error =
      error_of([&] { e.loop.run_until_complete(e.loop.sock_connect(client, address)); });
  EXPECT_NE(error.find(address.text()), std::string::npos) << error;
}

TEST(Step2_Connect, AUnixSocketWithoutRoomIsAnErrorAtOnce) {
  EpollLoop e;
  const TemporaryFolder folder;
  const SocketAddress address = SocketAddress::local(folder / "busy");
  const Fd listener = listen_at(address, 0);
  std::vector<Fd> first;
  do first.push_back(socket_for(address));
  while (::connect(first.back().get(), address.get(), address.size()) == 0);
  EXPECT_EQ(errno, EAGAIN);
  const Fd client = socket_for(address);
  EXPECT_EQ(code_of([&] { e.loop.run_until_complete(e.loop.sock_connect(client, address)); }),
            std::errc::resource_unavailable_try_again)
      << "it is not on its way: try again later";
}

TEST(Step2_Connect, ASecondTaskIsRefusedMeanwhile) {
  EpollLoop e;
  const Silent silent;
  const Fd client = socket_for(silent.address);
  e.run([&]() -> Coro<> {
    Task<> connected = create_task(e.loop.sock_connect(client, silent.address));
    co_await passes(2);
    EXPECT_NE(co_await error_when(e.loop.sock_connect(client, silent.address)), "nothing")
        << "the system says that one is on its way";
    EXPECT_FALSE(connected.done());
    connected.cancel();
    EXPECT_EQ(co_await error_when(connected), "cancelled");
  });
}
