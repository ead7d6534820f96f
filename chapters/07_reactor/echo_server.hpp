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
    // 6.1, EchoServer::~EchoServer: empty until step 6.
  }

  [[nodiscard]] std::uint16_t port() const { return local_port(acceptor_.listener()); }
  /// Counts the connections that are open.
  [[nodiscard]] std::size_t connections() const noexcept {
    todo("6.1", "EchoServer::connections");
  }
  /// Counts the connections that there were, in all.
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_; }

 private:
  // A suggestion, from here on. All of it is yours to change: the tests see only what is public.

  /// Begins with a connection: from now on, what comes is sent back.
  void open(Fd fd) {
    todo("6.1", "EchoServer::open");
  }

  // For 6.1: members of your choice.

  EventLoop& loop_;
  std::uint64_t accepted_ = 0;
  Acceptor acceptor_;
};

}  // namespace asyncio
