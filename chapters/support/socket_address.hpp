#pragma once

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "sockets.hpp"

namespace asyncio {

/// The address of a socket: of a host and a port, or of a file. A value. Python: a tuple, or a string.
class SocketAddress {
 public:
  SocketAddress(const sockaddr* address, socklen_t size) : size_(size) {
    std::memcpy(&storage_, address, size);
  }

  /// Makes the address of a host, which is a number or `localhost`, and a port.
  /// @throws std::invalid_argument if the host is no number
  static SocketAddress tcp(const std::string& host, std::uint16_t port) {
    const auto found = detail::address(host, port);
    return SocketAddress(found->ai_addr, found->ai_addrlen);
  }

  /// Makes the address of a Unix socket. @throws std::invalid_argument if the path is too long
  static SocketAddress local(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
      throw std::invalid_argument("the path of a Unix socket is too long: '" + path + "'");
    path.copy(address.sun_path, path.size());
    return SocketAddress(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  /// Returns the address of the other end, and of this one.
  /// @throws std::system_error if the socket has none
  static SocketAddress of_peer(const Fd& fd) { return asked(::getpeername, fd, "getpeername"); }
  static SocketAddress of_self(const Fd& fd) { return asked(::getsockname, fd, "getsockname"); }

  [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }

  friend bool operator==(const SocketAddress& one, const SocketAddress& other) noexcept {
    return one.size_ == other.size_ && std::memcmp(&one.storage_, &other.storage_, one.size_) == 0;
  }

  /// Returns it in words: "127.0.0.1:80", "[::1]:80", "/tmp/socket"; empty for a Unix socket without a name.
  [[nodiscard]] std::string text() const {
    std::array<char, INET6_ADDRSTRLEN> room{};
    if (family() == AF_INET) {
      const auto& address = reinterpret_cast<const sockaddr_in&>(storage_);
      ::inet_ntop(AF_INET, &address.sin_addr, room.data(), room.size());
      return std::string(room.data()) + ":" + std::to_string(ntohs(address.sin_port));
    }
    if (family() == AF_INET6) {
      const auto& address = reinterpret_cast<const sockaddr_in6&>(storage_);
      ::inet_ntop(AF_INET6, &address.sin6_addr, room.data(), room.size());
      return "[" + std::string(room.data()) + "]:" + std::to_string(ntohs(address.sin6_port));
    }
    return path();
  }

  /// Returns the path of a Unix socket; empty if it has none.
  [[nodiscard]] std::string path() const {
    if (family() != AF_UNIX || size_ <= offsetof(sockaddr_un, sun_path)) return {};
    const auto& address = reinterpret_cast<const sockaddr_un&>(storage_);
    return std::string(address.sun_path,
                       ::strnlen(address.sun_path, size_ - offsetof(sockaddr_un, sun_path)));
  }

 private:
  static SocketAddress asked(int (*call)(int, sockaddr*, socklen_t*), const Fd& fd, const char* what) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    concurrent::checked(call(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size), what);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&storage), size);
  }

  sockaddr_storage storage_{};
  socklen_t size_;
};

/// Makes a socket for connections to or at such an address, which does not wait.
inline Fd socket_for(const SocketAddress& address) {
  return Fd(concurrent::checked(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                                "socket"));
}

/// Makes a socket that has the address, and does not take connections yet: for that, listen().
/// @throws std::system_error if the address is taken
inline Fd socket_at(const SocketAddress& address) {
  Fd fd = socket_for(address);
  const int yes = 1;
  if (address.family() != AF_UNIX)  // else a port stays taken for a minute after its server
    concurrent::checked(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setsockopt");
  if (address.family() == AF_INET6)  // the other family has a socket of its own
    concurrent::checked(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes), "setsockopt");
  if (::bind(fd.get(), address.get(), address.size()) != 0)
    throw std::system_error(errno, std::generic_category(), "bind to " + address.text());
  return fd;
}

/// Makes sockets that have the addresses of a host, each once. What this machine has not is left out, as IPv6
/// in many a container.
/// @throws std::system_error if an address is taken, or if nothing is left
inline std::vector<Fd> sockets_at(const std::vector<SocketAddress>& addresses) {
  std::vector<Fd> sockets;
  std::exception_ptr left_out;
  for (auto address = addresses.begin(); address != addresses.end(); ++address) try {
      if (std::find(addresses.begin(), address, *address) == address) sockets.push_back(socket_at(*address));
    } catch (const std::system_error& error) {
      const int number = error.code().value();
      if (number != EADDRNOTAVAIL && number != EAFNOSUPPORT) throw;
      left_out = std::current_exception();
    }
  if (sockets.empty() && left_out) std::rethrow_exception(left_out);
  return sockets;
}

/// Makes a socket that takes connections, and does not wait.
/// @param backlog so many connections wait to be accepted
inline Fd listen_at(const SocketAddress& address, int backlog = 100) {
  Fd fd = socket_at(address);
  concurrent::checked(::listen(fd.get(), backlog), "listen");
  return fd;
}

}  // namespace asyncio
