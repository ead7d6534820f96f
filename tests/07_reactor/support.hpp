#pragma once

// What the tests of chapter 07 share.

#include "reactor.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "descriptors.hpp"
#include "testing.hpp"

using asyncio::EpollSelector;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::Fd;
using asyncio::listen_tcp;
using asyncio::local_port;
using concurrent::checked;
using course::Counted;
using course::error_of;
using course::Log;
using course::NoDescriptorIsLeft;
using course::wait_for;
using namespace std::chrono_literals;

/// Makes a pair of connected ends, which do not block.
inline std::pair<Fd, Fd> socket_pair() {
  std::array<int, 2> ends{};
  checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// Writes `text`, for which there is room.
inline void put(const Fd& fd, std::string_view text) {
  checked(::write(fd.get(), text.data(), text.size()), "write");
}

/// Reads what is there, up to 4 KiB; empty at the end.
inline std::string get(const Fd& fd) {
  std::array<char, 4096> room{};
  const ssize_t size = ::read(fd.get(), room.data(), room.size());
  return std::string(room.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
}

/// Writes until there is no room. @returns how many bytes
inline std::size_t fill(const Fd& fd) {
  const std::vector<char> block(4096);
  std::size_t written = 0;
  for (ssize_t size = 0; (size = ::write(fd.get(), block.data(), block.size())) > 0;)
    written += static_cast<std::size_t>(size);
  return written;
}

/// Sees to it that the close of `fd` reaches the peer as a reset.
inline void reset_when_closed(const Fd& fd) {
  const linger option{.l_onoff = 1, .l_linger = 0};
  checked(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &option, sizeof option), "setsockopt");
}

/// The room that a client has for what it has not read yet.
enum class Buffer { normal, tiny };

/// Connects a client that blocks, as most do.
inline Fd client_of(std::uint16_t port, Buffer buffer = Buffer::normal) {
  Fd fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  if (buffer == Buffer::tiny) {
    // Segments have to be smaller still, or TCP waits for the window to open further, 200 ms at a time.
    const int segment = 536;
    const int room = 4096;
    checked(::setsockopt(fd.get(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment), "setsockopt");
    checked(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room), "setsockopt");
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  checked(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  return fd;
}

/// Listens; the connections have little room for what is sent.
inline Fd listen_with_little_room() {
  Fd fd = listen_tcp(0);
  const int least = 1;
  checked(::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least), "setsockopt");
  return fd;
}

/// Makes a text in which nothing repeats for long.
inline std::string long_text(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 24) % 26);
  return text;
}

template <class F>
std::error_code code_of(F&& call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

/// A loop with an EpollSelector.
struct EpollLoop {
  EventLoop loop{std::make_unique<EpollSelector>()};

  void run_once() {
    loop.stop();
    loop.run_forever();
  }
};
