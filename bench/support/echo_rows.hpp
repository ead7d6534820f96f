#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "fd.hpp"
#include "row.hpp"

namespace bench {

/// Names of the rows that measure an echo server, for chapters 07 and 12, and their peers.
inline const std::string an_echo = "an echo";  ///< of a message, with one in flight on each connection
/// The same, with clients and server in one thread, which take turns: nobody wakes anybody, so it says more
/// of the server, and is less noisy.
inline const std::string in_turns = "an echo in turns";

inline constexpr int many_requests = 40'000;
inline constexpr int requests_in_turns = 10'000;
inline constexpr std::size_t connections = 50;
inline constexpr std::size_t message_size = 64;

/// A connection to a server on this machine, whose calls wait.
inline concurrent::Fd connect_waiting(std::uint16_t port) {
  using concurrent::checked;
  concurrent::Fd fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  int yes = 1;
  checked(::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), "setsockopt");
  return fd;
}

/// The clients of an echo server, all in the thread that runs them. They are the same for every server, and
/// do no more than they must: one read and one write for each request.
class EchoLoad {
 public:
  /// Connects to a server on this machine. @throws std::system_error, as all of this class does
  explicit EchoLoad(std::uint16_t port, std::size_t count = connections) : clients_(count) {
    for (Client& client : clients_) {
      client.fd = connect(port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &client;
      concurrent::checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.fd.get(), &event), "epoll_ctl");
    }
  }
  EchoLoad(const EchoLoad&) = delete;
  EchoLoad& operator=(const EchoLoad&) = delete;

  /// Sends so many messages, the next of a client when the one before is back, and waits for all of them.
  void run(int requests) {
    int sent = 0;
    for (Client& client : clients_)
      if (sent < requests) send(client, sent++);
    for (int answered = 0; answered < requests;)
      for (const epoll_event& event : wait()) {
        Client& client = *static_cast<Client*>(event.data.ptr);
        if (!receive(client)) continue;
        ++answered;
        if (sent < requests) send(client, sent++);
      }
  }

  /// As run(): each client sends, then `turn()` lets the server do what it can, until all have their answer.
  template <class F>
  void run_in_turns(int requests, F turn) {
    for (int sent = 0; sent < requests;) {
      for (Client& client : clients_) send(client, sent++);
      for (std::size_t answered = 0; answered < clients_.size();) {
        turn();
        for (Client& client : clients_)
          if (client.waits && receive(client)) ++answered;
      }
    }
  }

 private:
  using Message = std::array<std::byte, message_size>;

  struct Client {
    concurrent::Fd fd;
    Message message{};
    Message answer{};
    std::size_t received = 0;  // of the answer
    bool waits = false;        // for the answer
  };

  static concurrent::Fd connect(std::uint16_t port) {
    concurrent::Fd fd = connect_waiting(port);
    int yes = 1;
    concurrent::checked(::ioctl(fd.get(), FIONBIO, &yes), "ioctl");
    return fd;
  }

  std::span<const epoll_event> wait() {
    const int count = concurrent::checked(
        ::epoll_wait(epoll_.get(), room_.data(), static_cast<int>(room_.size()), -1), "epoll_wait");
    return std::span(room_).first(static_cast<std::size_t>(count));
  }

  /// Each message has a number of its own, so that no other can pass for its answer.
  static void send(Client& client, int number) {
    std::memcpy(client.message.data(), &number, sizeof number);
    const ssize_t size = concurrent::checked(
        ::send(client.fd.get(), client.message.data(), message_size, MSG_NOSIGNAL), "send");
    if (size != message_size) fail(std::errc::no_buffer_space);
    client.waits = true;
  }

  /// @returns whether the whole answer has come
  static bool receive(Client& client) {
    const std::span<std::byte> rest = std::span(client.answer).subspan(client.received);
    const ssize_t size = ::recv(client.fd.get(), rest.data(), rest.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (concurrent::checked(size, "recv") == 0) fail(std::errc::connection_reset);
    client.received += static_cast<std::size_t>(size);
    if (client.received < message_size) return false;
    client.received = 0;
    client.waits = false;
    if (client.answer != client.message) fail(std::errc::bad_message);
    return true;
  }

  [[noreturn]] static void fail(std::errc error) {
    throw std::system_error(std::make_error_code(error), "an echo");
  }

  std::vector<Client> clients_;
  const concurrent::Fd epoll_{concurrent::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::array<epoll_event, 256> room_;
};

/// Registers the row of a Server, which listens at its port() once it is made. A thread of its own calls its
/// run(), which ends after stop().
template <class Server>
void echo_row(const std::string& variant) {
  struct Echo {
    ~Echo() { server.stop(); }
    Server server;
    std::jthread thread{[this] { server.run(); }};
    EchoLoad load{server.port()};
  };
  row(an_echo + "/" + variant, many_requests,
      [] { return warmed_up([echo = std::make_shared<Echo>()] { echo->load.run(many_requests); }); });
}

/// Registers the row of a Server that does what it can, without waiting, at each turn().
template <class Server>
void turns_row(const std::string& variant) {
  struct Echo {
    Server server;
    EchoLoad load{server.port()};
  };
  row(in_turns + "/" + variant, requests_in_turns, [] {
    return warmed_up([echo = std::make_shared<Echo>()] {
      echo->load.run_in_turns(requests_in_turns, [&] { echo->server.turn(); });
    });
  });
}

}  // namespace bench
