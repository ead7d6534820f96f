#pragma once

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

#include "fd.hpp"
#include "todo.hpp"

namespace asyncio {

using concurrent::Fd;

/// True if a call that does not wait has failed for no other reason than that it would have to wait.
inline bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

namespace detail {

struct AddressList {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

/// The address of `host`, which is a number or `localhost`: a name would have to be looked up, which waits.
inline std::unique_ptr<addrinfo, AddressList> address(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const std::string number = host == "localhost" ? "127.0.0.1" : host;
  if (::getaddrinfo(number.c_str(), std::to_string(port).c_str(), &wanted, &list) != 0)
    throw std::invalid_argument("'" + host + "' is not the number of a host, as 127.0.0.1 is");
  return std::unique_ptr<addrinfo, AddressList>(list);
}

inline Fd stream_socket(const addrinfo& address) {
  return Fd(concurrent::checked(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                                "socket"));
}

}  // namespace detail

/// Options of listen_tcp().
struct ListenOptions {
  std::string host = "127.0.0.1";
  int backlog = 100;  ///< so many connections wait to be accepted
};

/// A socket that takes connections, and does not wait. @param port 0 for any that is free
/// @throws std::invalid_argument if the host is no number; std::system_error if the port is taken
inline Fd listen_tcp(std::uint16_t port, const ListenOptions& options = {}) {
  using concurrent::checked;
  const auto address = detail::address(options.host, port);
  Fd fd = detail::stream_socket(*address);
  const int yes = 1;  // else a port stays taken for a minute after its server
  checked(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setsockopt");
  if (::bind(fd.get(), address->ai_addr, address->ai_addrlen) != 0)
    throw std::system_error(errno, std::generic_category(),
                            "bind to " + options.host + ":" + std::to_string(port));
  checked(::listen(fd.get(), options.backlog), "listen");
  return fd;
}

/// The port of a socket's own end.
inline std::uint16_t local_port(const Fd& fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  concurrent::checked(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

/// A socket that connects meanwhile, and does not wait: once it can be written, ask finish_connect().
/// @throws std::invalid_argument if the host is no number; std::system_error if it fails at once
inline Fd connect_tcp(const std::string& host, std::uint16_t port) {
  const auto address = detail::address(host, port);
  Fd fd = detail::stream_socket(*address);
  // <exercise 1.1 connect_tcp>
  if (::connect(fd.get(), address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS)
    throw std::system_error(errno, std::generic_category(), "connect");
  return fd;
  // </exercise>
}

/// Throws the std::system_error of a connect_tcp() that has failed. To be asked once it can be written.
inline void finish_connect(const Fd& fd) {
  // <exercise 1.1 finish_connect>
  int error = 0;
  socklen_t size = sizeof error;
  concurrent::checked(::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size), "getsockopt");
  if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
  // </exercise>
}

/// Takes a connection that waits, which does not wait itself. Python: `socket.accept`.
/// @returns nothing if there is none
/// @throws std::system_error, as when there is no descriptor left (EMFILE)
inline std::optional<Fd> accept(const Fd& listener) {
  // <exercise 1.1 accept>
  for (;;) {
    const int fd = ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno == ECONNABORTED) continue;
    if (fd < 0 && would_block(errno)) return std::nullopt;
    return Fd(concurrent::checked(fd, "accept"));
  }
  // </exercise>
}

/// Takes what has come, as much as there is room for. Python: `socket.recv_into`.
/// @param room not empty: into that go 0 bytes, as at the end
/// @returns how many bytes; 0 if the peer will send no more; nothing if nothing has come
/// @throws std::system_error, as when the peer has reset the connection
inline std::optional<std::size_t> receive(const Fd& fd, std::span<std::byte> room) {
  const ssize_t size = ::recv(fd.get(), room.data(), room.size(), 0);
  if (size < 0 && would_block(errno)) return std::nullopt;
  return static_cast<std::size_t>(concurrent::checked(size, "recv"));
}

/// Hands over the beginning of `bytes`, as much as the system has room for. Python: `socket.send`.
/// @returns how many bytes; nothing if there is no room
/// @throws std::system_error, as when the peer has gone; there is no SIGPIPE
inline std::optional<std::size_t> send(const Fd& fd, std::span<const std::byte> bytes) {
  // <exercise 1.1 send>
  const ssize_t size = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size < 0 && would_block(errno)) return std::nullopt;
  return static_cast<std::size_t>(concurrent::checked(size, "send"));
  // </exercise>
}

}  // namespace asyncio
