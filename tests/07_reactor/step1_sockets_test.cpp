// Chapter 07, step 1: sockets.

#include "support.hpp"
#include "system_calls.hpp"

#include <fcntl.h>
#include <poll.h>

#include <csignal>
#include <optional>
#include <span>
#include <stdexcept>

using asyncio::connect_tcp;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

TEST(Step1_Sockets, AClientAndAServerTalk) {
  const NoDescriptorIsLeft none_is_left_open;
  const Fd listener = listen_tcp(0);
  const Fd client = connect_tcp("127.0.0.1", local_port(listener));
  wait_for(client, POLLOUT);
  asyncio::finish_connect(client);
  wait_for(listener, POLLIN);
  const std::optional<Fd> server = asyncio::accept(listener);
  ASSERT_TRUE(server);
  EXPECT_EQ(asyncio::send(client, bytes_of("hello")), 5u);
  wait_for(*server, POLLIN);
  std::array<std::byte, 16> room{};
  EXPECT_EQ(asyncio::receive(*server, room), 5u);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(room.data()), 5), "hello");
}

TEST(Step1_Sockets, AHostIsANumberOrLocalhost) {
  const Fd listener = listen_tcp(0);
  EXPECT_TRUE(connect_tcp("localhost", local_port(listener)));
  EXPECT_THROW(connect_tcp("no.such.host", local_port(listener)), std::invalid_argument);
  EXPECT_EQ(code_of([&] { listen_tcp(local_port(listener)); }), std::errc::address_in_use);
}

TEST(Step1_Sockets, NothingIsThereYet) {
  const Fd listener = listen_tcp(0);
  EXPECT_FALSE(asyncio::accept(listener));
  const auto [here, there] = socket_pair();
  std::array<std::byte, 16> room{};
  EXPECT_EQ(asyncio::receive(here, room), std::nullopt);
}

TEST(Step1_Sockets, TheEndIsNoBytes) {
  const Fd listener = listen_tcp(0);
  Fd client = client_of(local_port(listener));
  const std::optional<Fd> server = asyncio::accept(listener);
  ASSERT_TRUE(server);
  client.close();
  wait_for(*server, POLLIN);
  std::array<std::byte, 16> room{};
  EXPECT_EQ(asyncio::receive(*server, room), 0u);
}

TEST(Step1_Sockets, SendHandsOverAsMuchAsThereIsRoomFor) {
  const auto [here, there] = socket_pair();
  const std::string text = long_text(1 << 20);
  const std::optional<std::size_t> size = asyncio::send(here, bytes_of(text));
  ASSERT_TRUE(size);
  EXPECT_LT(*size, text.size());
  fill(here);
  EXPECT_EQ(asyncio::send(here, bytes_of(text)), std::nullopt);
}

TEST(Step1_Sockets, APeerThatHasGoneIsAnErrorAndNoSignal) {
  ::signal(SIGPIPE, SIG_DFL);
  auto [here, there] = socket_pair();
  there.close();
  EXPECT_EQ(code_of([&] { asyncio::send(here, bytes_of("hello")); }), std::errc::broken_pipe);
}

TEST(Step1_Sockets, AResetIsAnError) {
  const Fd listener = listen_tcp(0);
  Fd client = client_of(local_port(listener));
  wait_for(listener, POLLIN);
  const std::optional<Fd> server = asyncio::accept(listener);
  ASSERT_TRUE(server);
  reset_when_closed(client);
  client.close();
  wait_for(*server, POLLIN);
  std::array<std::byte, 16> room{};
  EXPECT_EQ(code_of([&] { asyncio::receive(*server, room); }), std::errc::connection_reset);
}

TEST(Step1_Sockets, AConnectionThatIsRefusedSaysSo) {
  Fd listener = listen_tcp(0);
  const std::uint16_t port = local_port(listener);
  listener.close();
  EXPECT_EQ(code_of([&] {  // at once, or later
              const Fd client = connect_tcp("127.0.0.1", port);
              wait_for(client, POLLOUT);
              asyncio::finish_connect(client);
            }),
            std::errc::connection_refused);
}

TEST(Step1_Sockets, ConnectionsDoNotWaitAndAreForThisProgramOnly) {
  const Fd listener = listen_tcp(0);
  const Fd client = connect_tcp("127.0.0.1", local_port(listener));
  wait_for(listener, POLLIN);
  const std::optional<Fd> server = asyncio::accept(listener);
  ASSERT_TRUE(server);
  for (const Fd* fd : {&client, &*server}) {
    EXPECT_NE(::fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST(Step1_Sockets, AConnectionThatHasGoneBeforeIsPassedOver) {
  const Fd listener = listen_tcp(0);
  aborted_connections = 2;
  EXPECT_FALSE(asyncio::accept(listener));
  EXPECT_EQ(aborted_connections, 0);
}

TEST(Step1_Sockets, WithoutADescriptorAcceptSaysSo) {
  const Fd listener = listen_tcp(0);
  const Fd client = client_of(local_port(listener));
  DescriptorLimit limit(1);
  const Fd last(checked(::dup(0), "dup"));
  EXPECT_EQ(code_of([&] { asyncio::accept(listener); }), std::errc::too_many_files_open);
  limit.lift();
  EXPECT_TRUE(asyncio::accept(listener)) << "the connection still waits";
}
