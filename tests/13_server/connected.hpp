#pragma once

// What the tests of chapter 13 that have a connection share.

#include "http_server.hpp"

#include <functional>

#include "support.hpp"

using http::Exchange;
using http::Response;
using http::Router;

inline Coro<Response> text(std::string body) {
  co_return Response{.body = std::move(body), .content_type = "text/plain"};
}

/// Routes for all tests.
inline Router routes() {
  Router router;
  router.add("GET", "/", [](Exchange&) { return text("home"); });
  router.add("GET", "/jobs", [](Exchange&) { return text("all"); });
  router.add("GET", "/jobs/{id}", [](Exchange& exchange) { return text("job " + exchange.parameter("id")); });
  router.add("GET", "/error", [](Exchange&) -> Coro<Response> { throw std::runtime_error("a secret"); });
  router.add("GET", "/refusal", [](Exchange&) -> Coro<Response> { throw http::Error(503, "not now"); });
  return router;
}

/// A connection that is served, with a client at its other end.
struct Served {
  EpollLoop e;
  Router router = routes();
  http::Service service{.router = router};

  /// Runs `main(client)`, and waits until the connection is over.
  void run(const std::function<Coro<>(Client&)>& main) {
    const NoDescriptorIsLeft none_is_left_open;
    e.run([&]() -> Coro<> {
      auto [streams, client] = connection();
      Task<> serving = create_task(http::serve_connection(service, streams.reader, streams.writer));
      { const Streams handed_over = std::move(streams); }
      co_await main(client);
      client.leave();
      co_await serving;
      EXPECT_EQ(service.connections, 0u);
      EXPECT_EQ(service.active, 0u);
    });
  }
};
