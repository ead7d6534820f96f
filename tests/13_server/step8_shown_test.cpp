// Chapter 13, step 8: what a server shows of itself.

#include "served.hpp"

TEST(Step8_Shown, AListenerHearsHowAJobGoes) {
  Served s;
  s.run([&]() -> Coro<> {
    Client listener = s.client();
    listener.send(get("/events"));
    const Reply begin = co_await listener.reply();
    EXPECT_EQ(begin.header("Content-Type"), "text/event-stream");
    EXPECT_EQ(begin.header("Content-Length"), "");
    EXPECT_EQ((co_await listener.up_to("\n")), "retry: 1000\n");
    co_await s.ask(post("/run", job("now")));
    for (const char* state : {"queued", "running", "done"}) {
      co_await listener.up_to("event: job\ndata: ");
      const Json job = Json::parse(co_await listener.up_to("\n"));
      EXPECT_EQ(job["state"], state);
    }
  });
}

TEST(Step8_Shown, WhoComesSeesThePicture) {
  Served s;
  s.run([&]() -> Coro<> {
    co_await s.ask(post("/run", job("now")));
    Client listener = s.client();
    listener.send(get("/events"));
    co_await listener.up_to("event: snapshot\ndata: ");
    const Json picture = Json::parse(co_await listener.up_to("\n"));
    EXPECT_EQ(picture["jobs"].size(), 1u);
    EXPECT_EQ(picture["workers"].size(), 2u);
    EXPECT_EQ(picture["capacity"], 1000);
  });
}

TEST(Step8_Shown, AWorkerThatIsReplacedIsTold) {
  Served s;
  s.run([&]() -> Coro<> {
    Client listener = s.client();
    listener.send(get("/events"));
    co_await listener.up_to("event: snapshot");
    co_await s.ask(post("/run", job("crash")));
    co_await listener.up_to("event: worker\ndata: ");
    const Json worker = Json::parse(co_await listener.up_to("\n"));
    EXPECT_EQ(worker["restarts"], 1);
  });
}

TEST(Step8_Shown, AListenerThatLeavesIsForgotten) {
  Served s;
  s.run([&]() -> Coro<> {
    Client listener = s.client();
    listener.send(get("/events"));
    co_await listener.up_to("event: snapshot");
    EXPECT_EQ(s.subscribers(), 1u);
    listener.leave();
    while (s.subscribers() > 0) co_await s.ask(post("/run", job("now")));
  });
}

TEST(Step8_Shown, WhoListensIsAtTheEndOfADrain) {
  Served s;
  s.run([&]() -> Coro<> {
    Client listener = s.client();
    listener.send(get("/events"));
    co_await listener.up_to("event: snapshot");
    co_await s.ask(post("/jobs", job("hold")));
    co_await held(1);
    Task<> draining = create_task(s.drain(std::chrono::hours(1)));
    co_await passes(2);
    release(1);
    co_await draining;
    EXPECT_NE((co_await listener.rest()).find("\"state\":\"done\""), std::string::npos)
        << "who listens hears how the last jobs end";
    EXPECT_EQ(s.active(), 0u);
  });
}
