// Chapter 13, step 2: a connection, one request after the other.

#include "connected.hpp"

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

TEST(Step2_Connections, AnAnswerMaySayThatItIsTheLast) {
  Served s;
  s.router.add("GET", "/last", [](Exchange&) -> Coro<Response> { co_return Response{.close = true}; });
  s.run([](Client& client) -> Coro<> {
    client.send(get("/last") + get("/jobs"));
    EXPECT_EQ((co_await client.reply()).header("Connection"), "close");
    EXPECT_EQ(co_await client.rest(), "");
  });
}

TEST(Step2_Connections, WhatCameBeforeTheEndIsAnswered) {
  Served s;
  s.router.add("GET", "/slow", [](Exchange&) -> Coro<Response> {
    co_await passes(5);  // meanwhile, the server gets to know the end
    co_return co_await text("slow");
  });
  s.run([](Client& client) -> Coro<> {
    client.send(get("/slow") + get("/jobs/2"));
    client.end();
    EXPECT_EQ((co_await client.reply()).body, "slow");
    EXPECT_EQ((co_await client.reply()).body, "job 2");
    EXPECT_EQ(co_await client.rest(), "");
  });
}

TEST(Step2_Connections, OldClientsGetOneAnswer) {
  for (const char* text : {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"}) {
    Served s;
    s.run([&](Client& client) -> Coro<> {
      client.send(text);
      const Reply reply = co_await client.reply();
      EXPECT_EQ(reply.body, "home");
      EXPECT_EQ(reply.header("Connection"), "close");
      EXPECT_EQ(co_await client.rest(), "");
    });
  }
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

TEST(Step2_Connections, AHeaderOfTwoLinesIsAnErrorOfItsHandler) {
  Served s;
  s.router.add("GET", "/to", [](Exchange&) -> Coro<Response> {
    co_return Response{.headers = {{"Location", "/\r\nSet-Cookie: a=b"}}};
  });
  s.router.add("GET", "/type", [](Exchange&) -> Coro<Response> {
    co_return Response{.content_type = "text/html\r\nSet-Cookie: a=b"};
  });
  s.run([](Client& client) -> Coro<> {
    client.send(get("/to") + get("/type") + get("/jobs"));
    EXPECT_EQ((co_await client.reply()).status, 500);
    EXPECT_EQ((co_await client.reply()).status, 500) << "the type of the content is a header field, too";
    EXPECT_EQ((co_await client.reply()).body, "all");
  });
  ASSERT_EQ(s.e.told.size(), 2u);
  for (const std::string& told : s.e.told)
    EXPECT_TRUE(told.starts_with("Unhandled exception in a handler: ")) << told;
}

TEST(Step2_Connections, AHandlerMayRefuse) {
  Served s;
  s.run([](Client& client) -> Coro<> {
    client.send(get("/refusal") + get("/jobs"));
    EXPECT_EQ((co_await client.reply()).status, 503);
    EXPECT_EQ((co_await client.reply()).body, "all");
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
  s.run([](Client& client) -> Coro<> {
    client.send(request("HEAD", "/stream"));
    EXPECT_EQ((co_await client.reply(true)).header("Content-Type"), "text/plain");
    EXPECT_EQ(co_await client.rest(), "") << "a HEAD gets no body";
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
  EXPECT_EQ(s.service.answers, (std::map<int, std::size_t>{{200, 1}, {404, 1}, {400, 1}}));
}
