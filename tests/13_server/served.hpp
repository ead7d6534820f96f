#pragma once

// What the tests of chapter 13 that have a whole server share.

#include "job_server.hpp"

#include "support.hpp"

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
  }
  ~Served() { EXPECT_EQ(e.told, Log{}); }

  /// Starts the server, runs `main()`, and ends the server's connections.
  template <class F>
  void run(F main) {
    e.run([&]() -> Coro<> {
      co_await server->start();
      co_await main();
    });
  }

  [[nodiscard]] Client client() const { return Client(server->port()); }

  /// Sends a request over a connection of its own, and waits for the answer.
  Coro<Reply> ask(std::string text) const {
    Client one = client();
    one.send(text);
    co_return co_await one.reply(text.starts_with("HEAD"));
  }
};
