// Chapter 13, step 5: a client waits for the result of its job, or leaves.

#include "served.hpp"

TEST(Step5_Attached, TheAnswerIsTheResult) {
  Served s;
  s.run([&]() -> Coro<> {
    const Reply reply = co_await s.ask(post("/run", square(12)));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json()["result"], 144);
    EXPECT_EQ(reply.json()["state"], "done");
  });
}

TEST(Step5_Attached, TheStatusSaysHowItHasEnded) {
  Served s;
  s.run([&]() -> Coro<> {
    EXPECT_EQ((co_await s.ask(post("/run", job("fail")))).status, 500);
    EXPECT_EQ((co_await s.ask(post("/run", job("crash")))).status, 500);
    const Reply expired = co_await s.ask(post("/run", job("spin", "{}", 5)));
    EXPECT_EQ(expired.status, 504);
    EXPECT_EQ(expired.json()["state"], "expired");
  });
}

TEST(Step5_Attached, OneConnectionRunsJobAfterJob) {
  Served s;
  s.run([&]() -> Coro<> {
    Client client = s.client();
    client.send(post("/run", square(2)));
    EXPECT_EQ((co_await client.reply()).json()["result"], 4);
    client.send(post("/run", job("now")));
    EXPECT_EQ((co_await client.reply()).status, 200);
    client.send(post("/run", square(3)) + post("/run", square(4)));
    EXPECT_EQ((co_await client.reply()).json()["result"], 9);
    EXPECT_EQ((co_await client.reply()).json()["result"], 16);
  });
}

TEST(Step5_Attached, AClientThatLeavesCancelsItsJob) {
  Served s;
  s.run([&]() -> Coro<> {
    Client client = s.client();
    client.send(post("/run", job("spin")));
    co_await until([&] { return s.running() == 1; });
    client.leave();
    co_await until([&] { return s.unfinished() == 0; });
    EXPECT_EQ((co_await s.ask(get("/jobs/1"))).json()["state"], "cancelled");
  });
}

TEST(Step5_Attached, AClientThatClosesItsEndHasLeft) {
  Served s;
  s.run([&]() -> Coro<> {
    Client client = s.client();
    client.send(post("/run", job("hold")));
    co_await held(1);
    client.end();
    const Reply reply = co_await client.reply();
    EXPECT_EQ(reply.json()["state"], "cancelled");
    EXPECT_EQ(reply.status, 409);
  });
}

TEST(Step5_Attached, AJobThatStillWaitsIsCancelledToo) {
  Served s;
  s.run([&]() -> Coro<> {
    Client first = s.client();
    first.send(post("/run", job("hold")));
    co_await held(1);
    Client second = s.client();
    second.send(post("/run", job("hold")));
    co_await until([&] { return s.waiting() == 1; });
    second.leave();
    co_await until([&] { return s.waiting() == 0; });
    EXPECT_EQ(s.running(), 1u);
    release(1);
    EXPECT_EQ((co_await first.reply()).status, 200);
  });
}

TEST(Step5_Attached, MoreRequestsAreNoReasonToCancel) {
  Served s;
  s.run([&]() -> Coro<> {
    Client client = s.client();
    client.send(post("/run", job("hold")));
    co_await held(1);
    client.send(get("/healthz"));
    co_await passes(5);
    EXPECT_EQ(s.running(), 1u);
    release(1);
    EXPECT_EQ((co_await client.reply()).json()["state"], "done");
    EXPECT_EQ((co_await client.reply()).json()["status"], "ok");
  });
}

TEST(Step5_Attached, OthersAreAnsweredMeanwhile) {
  Served s;
  s.run([&]() -> Coro<> {
    Client client = s.client();
    client.send(post("/run", job("spin")));
    co_await until([&] { return s.running() == 1; });
    EXPECT_EQ((co_await s.ask(get("/healthz"))).status, 200);
    client.leave();
    co_await until([&] { return s.unfinished() == 0; });
  });
}

TEST(Step5_Attached, AFullQueueIs503AndSaysWhenToTryAgain) {
  Served s({.queue = 1});
  s.run([&]() -> Coro<> {
    Client running = s.client();
    running.send(post("/run", job("hold")));
    co_await held(1);
    Client waiting = s.client();
    waiting.send(post("/run", job("hold")));
    co_await until([&] { return s.waiting() == 1; });
    const Reply refused = co_await s.ask(post("/run", job("hold")));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.header("Retry-After"), "1");
    release(2);
    EXPECT_EQ((co_await waiting.reply()).status, 200);
    co_await held(1);
  });
}

TEST(Step5_Attached, WhoIsOneTooManyIsToldSo) {
  Served s({.most_connections = 1});
  s.run([&]() -> Coro<> {
    Client first = s.client();
    first.send(post("/run", job("hold")));
    co_await held(1);
    Client second = s.client();
    second.send(get("/healthz"));
    EXPECT_EQ((co_await second.reply()).status, 503);
    char byte = 0;
    ssize_t size = -1;
    co_await until([&] {
      size = ::recv(second.fd().get(), &byte, 1, MSG_DONTWAIT);
      return size >= 0 || errno != EAGAIN;
    });
    EXPECT_EQ(size, 0) << "a connection that is reset may lose its answer";
    release(1);
    EXPECT_EQ((co_await first.reply()).status, 200);
  });
}

TEST(Step5_Attached, WhatIsNoJobIsRefused) {
  Served s;
  const std::vector<std::string> wrong = {
      job("unknown"),
      job("square"),
      "[]",
      "no JSON",
      "{\"kind\":\"now\",\"more\":1}",
      "{\"kind\":\"now\",\"deadline_ms\":0}",
      job("now", "{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}")};
  s.run([&]() -> Coro<> {
    EXPECT_EQ((co_await s.ask(request("POST", "/run", job("now")))).status, 415);
    for (const std::string& body : wrong) EXPECT_EQ((co_await s.ask(post("/run", body))).status, 400) << body;
    EXPECT_EQ((co_await s.ask(post("/run", job("now")))).status, 200);
  });
}
