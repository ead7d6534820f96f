// Chapter 13, step 2: how long a connection lives.

#include "connected.hpp"

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
