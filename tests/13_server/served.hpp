#pragma once

// What the tests of chapter 13 that have a whole server share.

#include "job_server.hpp"

#include "support.hpp"

#include <sys/socket.h>

using asyncio::jobs::JobQueue;
using asyncio::jobs::JobRecord;
using asyncio::jobs::JobServer;
using asyncio::jobs::JobServerOptions;

/// A server, and a loop for it and for its clients.
struct Served {
  std::unique_ptr<JobServer> server;
  EpollLoop e;

  explicit Served(JobServerOptions options = {}) {
    if (options.kinds.empty()) options.kinds = test_kinds();
    server = std::make_unique<JobServer>(std::move(options));
    e.stands = [this] { return stands(); };
  }
  ~Served() { EXPECT_EQ(e.told, Log{}); }

  /// Starts the server, runs `main()`, and ends the server's connections.
  template <class F>
  void run(F main) {
    e.run([&]() -> Coro<> {
      co_await server->start();
      port_ = server->port();
      co_await main();
    });
  }

  [[nodiscard]] Client client() const {
    Client client(port_);
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(client.fd().get(), SOL_SOCKET, SO_ERROR, &error, &size);
    EXPECT_EQ(error, 0) << "nobody can connect: the server's socket is closed";
    return client;
  }

  /// Sends a request over a connection of its own, and waits for the answer.
  Coro<Reply> ask(std::string text) const {
    Client one = client();
    one.send(text);
    co_return co_await one.reply(text.starts_with("HEAD"));
  }

  /// Says what the server has to do.
  std::string stands() const {
    const JobQueue& queue = server->queue();
    return std::to_string(queue.waiting()) + " jobs wait, " + std::to_string(queue.running()) + " run, " +
           std::to_string(queue.unfinished()) + " have not ended; of " +
           std::to_string(server->service().connections) + " connections, " +
           std::to_string(server->service().active) + " wait for an answer, or take one";
  }

 private:
  std::uint16_t port_ = 0;
};
