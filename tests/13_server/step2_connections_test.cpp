// Chapter 13, step 2: a connection, one request after the other, and how long it lives.

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

TEST(Step2_Connections, TheNextRequestHasTheSameLimits) {
  Served s;
  s.service.request_time = 30ms;
  const std::string half = "GET / HTTP/1.1\r\nHo";
  s.run([&](Client& client) -> Coro<> {
    client.send(get("/jobs/1") + half);
    EXPECT_EQ((co_await client.reply()).body, "job 1");
    EXPECT_EQ((co_await client.reply()).status, 408) << "it has begun already";
  });
  s.run([&](Client& client) -> Coro<> {
    client.send(get("/jobs/1"));
    EXPECT_EQ((co_await client.reply()).body, "job 1");
    client.send(half);
    EXPECT_EQ((co_await client.reply()).status, 408);
  });
  s.service.idle_time = 30ms;
  s.service.request_time = std::chrono::hours(1);
  s.run([&](Client& client) -> Coro<> {
    client.send(get("/jobs/1"));
    EXPECT_EQ((co_await client.reply()).body, "job 1");
    EXPECT_EQ(co_await client.rest(), "");
  });
  EXPECT_EQ(s.service.answers[408], 2u);
}

TEST(Step2_Connections, WhoTakesTooLongMaySendOnAndReadsWhy) {
  Served s;
  s.service.request_time = 1ms;
  // From the answer on there is time.
  s.service.observer = [&](const http::Request*, const Response&, asyncio::Duration,
                           const asyncio::StreamWriter&) { s.service.request_time = 10s; };
  s.run([](Client& client) -> Coro<> {
    client.send("POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    EXPECT_EQ((co_await client.reply()).status, 408);
    client.send(std::string(50'000, 'x'));
    client.end();
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

TEST(Step2_Connections, ADrainMayBeginWhileAHandlerRuns) {
  Served s;
  s.router.add("GET", "/drain", [&](Exchange&) {
    s.service.draining = true;
    return text("begun");
  });
  s.run([](Client& client) -> Coro<> {
    client.send(get("/drain") + get("/jobs"));
    EXPECT_EQ((co_await client.reply()).header("Connection"), "close");
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

TEST(Step2_Connections, AClientMayLeaveWhileItIsAnswered) {
  Served s;
  int asked = 0;
  asyncio::Event go_on;
  s.router.add("GET", "/slow", [&](Exchange&) -> Coro<Response> {
    ++asked;
    co_await go_on.wait();
    co_return co_await text("slow");
  });
  s.router.add("GET", "/large", [&](Exchange&) {
    ++asked;
    return text(std::string(5'000'000, 'x'));
  });
  s.router.add("GET", "/for-ever", [&](Exchange&) -> Coro<Response> {
    co_return Response{.stream = [&](asyncio::StreamWriter writer) -> Coro<> {
      ++asked;
      while (true) {
        writer.write("again ");
        co_await writer.drain();
        co_await passes(1);
      }
    }};
  });
  for (const char* path : {"/slow", "/large", "/for-ever"}) {
    s.run([&](Client& client) -> Coro<> {
      asked = 0;
      client.send(get(path) + get("/jobs"));
      co_await until([&] { return asked == 1; });
      client.leave();
      go_on.set();
    });
  }
  s.run([&](Client& client) -> Coro<> {
    client.send(get("/jobs"));
    co_await passes(5);  // it leaves without its answer, and is waited for already
  });
  EXPECT_EQ(s.e.told, Log{});
}

TEST(Step2_Connections, ARequestIsActiveUntilItsAnswerIsTaken) {
  Served s;
  bool asked = false;
  s.router.add("GET", "/large", [&](Exchange&) {
    asked = true;
    return text(std::string(5'000'000, 'x'));
  });
  s.run([&](Client& client) -> Coro<> {
    client.send(get("/large"));
    co_await until([&] { return asked; });
    co_await passes(2);
    EXPECT_EQ(s.service.active, 1u) << "its client has not taken the answer";
    EXPECT_EQ((co_await client.reply()).body.size(), 5'000'000u);
    co_await passes(2);
    EXPECT_EQ(s.service.active, 0u);
  });
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

TEST(Step2_Connections, AStreamMayTakeItsTime) {
  Served s;
  s.service.request_time = 5ms;
  s.router.add("GET", "/stream", [](Exchange&) -> Coro<Response> {
    co_return Response{.stream = [](asyncio::StreamWriter writer) -> Coro<> {
      writer.write("one ");
      co_await sleep(20ms);
      writer.write("two");
      co_await writer.drain();
    }};
  });
  s.run([](Client& client) -> Coro<> {
    client.send(get("/stream"));
    co_await client.reply();
    EXPECT_EQ(co_await client.rest(), "one two");
  });
}
