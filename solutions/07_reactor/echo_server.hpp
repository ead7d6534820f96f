#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reactor.hpp"
#include "todo.hpp"

namespace asyncio {

/// Sends back whatever comes, on as many connections as there are descriptors, with callbacks. A client that
/// does not read is not read from. It must not outlive the loop, and is for the loop's thread.
class EchoServer {
 public:
  /// @param listener from listen_tcp()
  EchoServer(EventLoop& loop, Fd listener)
      : loop_(loop), acceptor_(loop, std::move(listener), [this](Fd fd) {
          ++accepted_;
          open(std::move(fd));
        }) {}
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  ~EchoServer() {
    // <exercise 6.1 quiet EchoServer::~EchoServer>
    for (const auto& [number, connection] : connections_) forget(number);
    // </exercise>
  }

  [[nodiscard]] std::uint16_t port() const { return local_port(acceptor_.listener()); }
  /// Counts the connections that are open.
  [[nodiscard]] std::size_t connections() const noexcept {
    // <exercise 6.1 EchoServer::connections>
    return connections_.size();
    // </exercise>
  }
  /// Counts the connections that there were, in all.
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_; }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  /// Begins with a connection: from now on, what comes is sent back.
  void open(Fd fd) {
    // <exercise 6.1 EchoServer::open>
    const int number = fd.get();
    Connection& connection = connections_[number];
    connection.fd = std::move(fd);
    try {
      loop_.add_reader(number, [this, &connection] { or_close(connection, &EchoServer::read); });
    } catch (...) {
      connections_.erase(number);
      throw;
    }
    // </exercise>
  }

  // <exercise 6.1 members your choice>
  /// A connection. Either it has sent all, and reads; or there is a rest, and it waits until that can be
  /// sent.
  struct Connection {
    Fd fd;
    std::vector<std::byte> rest;
  };

  /// Does `what`. If that fails, the peer has gone, or its bytes have: the connection is of no use any more.
  void or_close(Connection& connection, void (EchoServer::*what)(Connection&)) {
    try {
      (this->*what)(connection);
    } catch (...) {
      close(connection);
    }
  }
  // </exercise>

  /// Reads, for there is something, and no rest. What has come is sent back, now or when there is room.
  void read(Connection& connection) {
    // <exercise 7.1 EchoServer::read>
    const std::optional<std::size_t> size = receive(connection.fd, room_);
    if (!size) return;
    if (*size == 0) return close(connection);
    const std::span<const std::byte> bytes = std::span(room_).first(*size);
    const std::size_t sent = send(connection.fd, bytes).value_or(0);
    if (sent == bytes.size()) return;
    const int number = connection.fd.get();
    connection.rest.assign(bytes.begin() + static_cast<std::ptrdiff_t>(sent), bytes.end());
    loop_.remove_reader(number);
    loop_.add_writer(number, [this, &connection] { or_close(connection, &EchoServer::write); });
    // </exercise>
  }

  /// Sends more of the rest, for there is room. Reads on if that was all.
  void write(Connection& connection) {
    // <exercise 7.1 EchoServer::write>
    std::vector<std::byte>& rest = connection.rest;
    const std::size_t sent = send(connection.fd, rest).value_or(0);
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(sent));
    if (!rest.empty()) return;
    rest = std::vector<std::byte>();  // clear() would keep the memory of the largest rest there was
    const int number = connection.fd.get();
    loop_.remove_writer(number);
    loop_.add_reader(number, [this, &connection] { or_close(connection, &EchoServer::read); });
    // </exercise>
  }

  // <exercise 6.1 members your choice>
  /// The end of a connection, which is gone then.
  void close(Connection& connection) {
    const int number = connection.fd.get();
    forget(number);  // while the number is its own
    connections_.erase(number);
  }

  void forget(int number) {
    loop_.remove_reader(number);
    loop_.remove_writer(number);
  }

  std::array<std::byte, 65536> room_;  // for all: none of it is needed between two callbacks
  std::unordered_map<int, Connection> connections_;
  // </exercise>

  EventLoop& loop_;
  std::uint64_t accepted_ = 0;
  Acceptor acceptor_;
};

}  // namespace asyncio
