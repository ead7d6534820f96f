// Chapter 13, step 2: which function answers what, and a connection with one request after the other.

#include "http_server.hpp"

#include "support.hpp"

using http::Exchange;
using http::Response;
using http::Router;

namespace {

Coro<Response> text(std::string body) {
  co_return Response{.body = std::move(body), .content_type = "text/plain"};
}

/// Routes for all tests.
Router routes() {
  Router router;
  router.add("GET", "/", [](Exchange&) { return text("home"); });
  router.add("GET", "/jobs", [](Exchange&) { return text("all"); });
  router.add("POST", "/jobs", [](Exchange& exchange) { return text("new " + exchange.request.body); });
  router.add("GET", "/jobs/{id}", [](Exchange& exchange) { return text("job " + exchange.parameter("id")); });
  router.add("DELETE", "/jobs/{id}", [](Exchange&) { return text("gone"); });
  router.add("GET", "/a/{x}/b/{y}",
             [](Exchange& e) { return text(e.parameter("x") + "+" + e.parameter("y")); });
  router.add("GET", "/error", [](Exchange&) -> Coro<Response> { throw std::runtime_error("a secret"); });
  router.add("GET", "/refusal", [](Exchange&) -> Coro<Response> { throw http::Error(503, "not now"); });
  return router;
}

/// Returns what is answered to a request, without a connection.
Response ask(std::string method, std::string path) {
  EpollLoop e;
  const Router router = routes();
  return e.run([&]() -> Coro<Response> {
    Exchange exchange{.request = {.method = std::move(method), .path = std::move(path), .body = "body"},
                      .reader = asyncio::StreamReader()};
    co_return co_await router.dispatch(exchange);
  });
}
std::string body(std::string method, std::string path) {
  return ask(std::move(method), std::move(path)).body;
}
std::string allowed(const Response& response) {
  for (const auto& [name, value] : response.headers)
    if (name == "Allow") return value;
  return "";
}

/// A connection that is served, with a client at its other end.
struct Served {
  EpollLoop e;
  Router router = routes();
  http::Service service{.router = router};

  /// Runs `main(client)`, and waits until the connection is over.
  template <class F>
  void run(F main) {
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

}  // namespace

TEST(Step2_Routes, APathHasAHandlerForEachMethod) {
  EXPECT_EQ(body("GET", "/jobs"), "all");
  EXPECT_EQ(body("POST", "/jobs"), "new body");
  EXPECT_EQ(body("GET", "/"), "home");
}

TEST(Step2_Routes, APartOfAPathMayBeAParameter) {
  EXPECT_EQ(body("GET", "/jobs/17"), "job 17");
  EXPECT_EQ(body("DELETE", "/jobs/17"), "gone");
  EXPECT_EQ(body("GET", "/a/1/b/2"), "1+2");
}

TEST(Step2_Routes, AParameterIsOnePartAndNotEmpty) {
  EXPECT_EQ(ask("GET", "/jobs/").status, 404);
  EXPECT_EQ(ask("GET", "/jobs/1/2").status, 404);
}

TEST(Step2_Routes, AnUnknownPathIs404) {
  EXPECT_EQ(ask("GET", "/nothing").status, 404);
  EXPECT_EQ(ask("POST", "/job").status, 404);
  EXPECT_EQ(ask("OPTIONS", "/nothing").status, 404);
}

TEST(Step2_Routes, AMethodThatAPathDoesNotHaveIs405AndItIsSaidWhichItHas) {
  const Response response = ask("PUT", "/jobs/17");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(allowed(response), "HEAD, GET, DELETE, OPTIONS");
}

TEST(Step2_Routes, HeadIsAnsweredAsGet) {
  EXPECT_EQ(ask("HEAD", "/jobs").status, 200);
  EXPECT_EQ(body("HEAD", "/jobs/3"), "job 3");
}

TEST(Step2_Routes, OptionsSaysWhatIsAllowed) {
  const Response response = ask("OPTIONS", "/jobs");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(allowed(response), "HEAD, GET, POST, OPTIONS");
}

TEST(Step2_Connections, RequestsOfOneConnectionAreAnsweredInOrder) {
  Served s;
  s.run([](Client& client) -> Coro<> {
    client.send(get("/jobs/1") + get("/jobs/2"));
    EXPECT_EQ((co_await client.reply()).body, "job 1");
    EXPECT_EQ((co_await client.reply()).body, "job 2");
    client.send(get("/jobs/3"));
    EXPECT_EQ((co_await client.reply()).body, "job 3");
  });
  EXPECT_EQ(s.service.answers[200], 3u);
}

TEST(Step2_Connections, AClientMaySayThatItIsTheLast) {
  Served s;
  s.run([](Client& client) -> Coro<> {
    client.send("GET /jobs/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + get("/jobs/2"));
    const Reply reply = co_await client.reply();
    EXPECT_EQ(reply.body, "job 1");
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_EQ(co_await client.rest(), "");
  });
}

TEST(Step2_Connections, OldClientsGetOneAnswer) {
  Served s;
  s.run([](Client& client) -> Coro<> {
    client.send("GET / HTTP/1.0\r\n\r\n");
    const Reply reply = co_await client.reply();
    EXPECT_EQ(reply.body, "home");
    EXPECT_EQ(co_await client.rest(), "");
  });
}

TEST(Step2_Connections, WhatCannotBeReadIsAnsweredAndIsTheLast) {
  Served s;
  s.run([](Client& client) -> Coro<> {
    client.send("hello\r\n\r\n" + get("/"));
    const Reply reply = co_await client.reply();
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_EQ(co_await client.rest(), "");
  });
}

TEST(Step2_Connections, ATooLargeBodyIsAnsweredThoughTheClientStillSends) {
  Served s;
  s.service.limits.body = 10;
  s.run([](Client& client) -> Coro<> {
    client.send("POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    client.send(std::string(50'000, 'x'));
    EXPECT_EQ((co_await client.reply()).status, 413);
    client.send(std::string(50'000, 'x'));
    EXPECT_EQ(co_await client.rest(), "");
  });
}

TEST(Step2_Connections, AHandlersErrorIs500AndItsTextStaysHere) {
  Served s;
  s.run([](Client& client) -> Coro<> {
    client.send(get("/error") + get("/jobs"));
    const Reply reply = co_await client.reply();
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
    EXPECT_EQ((co_await client.reply()).body, "all");
  });
  EXPECT_EQ(s.e.told, Log{"Unhandled exception in a handler: a secret"});
}

TEST(Step2_Connections, AHandlerMayRefuse) {
  Served s;
  s.run([](Client& client) -> Coro<> {
    client.send(get("/refusal"));
    EXPECT_EQ((co_await client.reply()).status, 503);
  });
  EXPECT_EQ(s.e.told, Log{});
}

TEST(Step2_Connections, HeadHasNoBody) {
  Served s;
  s.run([](Client& client) -> Coro<> {
    client.send(request("HEAD", "/jobs") + get("/"));
    const Reply reply = co_await client.reply(true);
    EXPECT_EQ(reply.header("Content-Length"), "3");
    EXPECT_EQ((co_await client.reply()).body, "home");
  });
}

TEST(Step2_Connections, AClientThatSaysNothingIsLeftAfterAWhile) {
  Served s;
  s.service.idle_time = 1ms;
  s.run([](Client& client) -> Coro<> { EXPECT_EQ(co_await client.rest(), ""); });
  EXPECT_TRUE(s.service.answers.empty());
}

TEST(Step2_Connections, ARequestThatTakesTooLongIs408) {
  Served s;
  s.service.request_time = 1ms;
  s.run([](Client& client) -> Coro<> {
    client.send("GET / HTTP/1.1\r\nHo");
    const Reply reply = co_await client.reply();
    EXPECT_EQ(reply.status, 408);
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_EQ(co_await client.rest(), "");
  });
}

TEST(Step2_Connections, TheTimeOfARequestIsNotRenewedByEachByte) {
  Served s;
  s.service.request_time = 20ms;
  s.run([](Client& client) -> Coro<> {
    std::string answer;
    client.send("GET / HTTP/1.1\r\nHost: x\r\nX: ");
    while (answer.empty() && course::open_descriptors() > 0) {
      client.send("x");
      co_await sleep(1ms);
      std::array<char, 16> room;
      const ssize_t size = ::recv(client.fd().get(), room.data(), room.size(), MSG_DONTWAIT | MSG_PEEK);
      if (size > 0) answer.assign(room.data(), static_cast<std::size_t>(size));
    }
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 408");
  });
}

TEST(Step2_Connections, AHandlerMayTakeItsTime) {
  Served s;
  s.service.request_time = 5ms;
  asyncio::Event go_on;
  s.router.add("GET", "/slow", [&](Exchange&) -> Coro<Response> {
    co_await go_on.wait();
    co_return co_await text("slow");
  });
  s.run([&](Client& client) -> Coro<> {
    client.send(get("/slow"));
    co_await until([&] { return s.service.active == 1; });
    co_await sleep(20ms);
    go_on.set();
    EXPECT_EQ((co_await client.reply()).body, "slow");
    client.send(get("/jobs"));
    EXPECT_EQ((co_await client.reply()).body, "all");
  });
}

TEST(Step2_Connections, WhileItDrainsEachAnswerIsTheLast) {
  Served s;
  s.service.draining = true;
  s.run([](Client& client) -> Coro<> {
    client.send(get("/jobs/1") + get("/jobs/2"));
    const Reply reply = co_await client.reply();
    EXPECT_EQ(reply.body, "job 1");
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_EQ(co_await client.rest(), "");
  });
}

TEST(Step2_Connections, AClientThatLeavesIsNoError) {
  Served s;
  s.run([](Client& client) -> Coro<> {
    client.send("GET /jobs HT");
    co_await passes(3);
  });
  EXPECT_EQ(s.e.told, Log{});
}

TEST(Step2_Connections, AClientThatNeverReadsIsLeft) {
  Served s;
  s.service.request_time = 5ms;
  s.router.add("GET", "/large", [&](Exchange&) { return text(std::string(5'000'000, 'x')); });
  const NoDescriptorIsLeft none_is_left_open;
  s.e.run([&]() -> Coro<> {
    auto [streams, client] = connection();
    Task<> serving = create_task(http::serve_connection(s.service, streams.reader, streams.writer));
    client.send(get("/large"));
    co_await serving;
  });
}

TEST(Step2_Connections, AnAnswerMayBeAStream) {
  Served s;
  s.router.add("GET", "/stream", [](Exchange&) -> Coro<Response> {
    co_return Response{.content_type = "text/plain", .stream = [](asyncio::StreamWriter writer) -> Coro<> {
                         for (const char* word : {"one ", "two ", "three"}) {
                           writer.write(word);
                           co_await writer.drain();
                         }
                       }};
  });
  s.run([](Client& client) -> Coro<> {
    client.send(get("/stream"));
    const Reply reply = co_await client.reply();
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_EQ(co_await client.rest(), "one two three");
  });
}

TEST(Step2_Connections, EachAnswerIsTold) {
  Served s;
  Log log;
  s.service.observer = [&](const http::Request* request, const Response& response, asyncio::Duration,
                           const asyncio::StreamWriter&) {
    log.push_back((request ? request->target : "?") + " " + std::to_string(response.status));
  };
  s.run([](Client& client) -> Coro<> {
    client.send(get("/jobs?a") + get("/no") + "?\r\n\r\n");
    co_await client.rest();
  });
  EXPECT_EQ(log, (Log{"/jobs?a 200", "/no 404", "? 400"}));
}
