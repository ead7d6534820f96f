// Chapter 13, step 7: a server that ends, and loses nothing.

#include "served.hpp"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace {

/// Connects to a Unix socket: what the system keeps for a client there is what that finds unread.
Client connect_to(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return Client(std::move(fd));
}
std::size_t unread(const Client& client) {
  int size = 0;
  EXPECT_EQ(::ioctl(client.fd().get(), FIONREAD, &size), 0);
  return static_cast<std::size_t>(size);
}

}  // namespace

TEST(Step7_Drain, AnIdleServerEnds) {
  Served s;
  s.run([&]() -> Coro<> {
    Client idle = s.client();
    co_await until([&] { return s.connections() == 1; });
    co_await s.drain();
    EXPECT_EQ(co_await idle.rest(), "");
    co_await until([&] { return s.connections() == 0; });
  });
}

TEST(Step7_Drain, NewJobsAreRefused) {
  Served s;
  s.run([&]() -> Coro<> {
    Client running = s.client();
    running.send(post("/run", job("hold")));
    co_await held(1);
    Task<> draining = create_task(s.drain());
    co_await passes(2);
    for (const char* path : {"/run", "/jobs"}) {
      const Reply refused = co_await s.ask(post(path, job("now")));
      EXPECT_EQ(refused.status, 503);
      EXPECT_EQ(refused.header("Connection"), "close");
    }
    EXPECT_EQ((co_await s.ask(get("/healthz"))).status, 503);
    EXPECT_FALSE(draining.done());
    release(1);
    EXPECT_EQ((co_await running.reply()).status, 200);
    co_await draining;
  });
}

TEST(Step7_Drain, WhatWasAcceptedComesToItsEnd) {
  std::mutex mutex;
  std::vector<std::string> written;
  Served s({.save = [&](std::span<const JobRecord> jobs) {
    const std::lock_guard lock(mutex);
    for (const JobRecord& job : jobs) written.push_back(to_string(job.state));
  }});
  s.run([&]() -> Coro<> {
    co_await s.ask(post("/jobs", job("hold")));
    co_await s.ask(post("/jobs", job("hold")));
    co_await held(1);
    Task<> draining = create_task(s.drain(0ms));
    co_await passes(10);
    EXPECT_FALSE(draining.done()) << "its patience is for clients, not for jobs";
    if (draining.done()) co_return;
    EXPECT_EQ((co_await s.ask(get("/jobs/1"))).status, 200);
    release(2);
    co_await draining;
    EXPECT_EQ(s.unfinished(), 0u);
    co_await held(1);
  });
  EXPECT_EQ(std::ranges::count(written, "done"), 2);
}

TEST(Step7_Drain, WhatIsOnItsWayToTheDiskWasAcceptedToo) {
  course::Gate disk;
  Served s({.save = [&](std::span<const JobRecord>) { disk.pass(); }});
  s.run([&]() -> Coro<> {
    Client client = s.client();
    client.send(post("/jobs", job("now")));
    co_await until([&] { return s.admitted() == 1; });
    Task<> draining = create_task(s.drain(0ms));
    co_await passes(10);
    EXPECT_FALSE(draining.done()) << "a job is on its way to the disk";
    EXPECT_EQ((co_await s.ask(get("/healthz"))).status, 503) << "as long as a job is unfinished, it answers";
    disk.open();
    co_await draining;
    EXPECT_EQ(s.unfinished(), 0u);
  });
}

TEST(Step7_Drain, WhoWaitsForAJobIsAnswered) {
  Served s;
  s.run([&]() -> Coro<> {
    co_await s.ask(post("/jobs", job("hold")));
    Client waiting = s.client();
    waiting.send(get("/jobs/1?wait_ms=60000"));
    Client attached = s.client();
    attached.send(post("/run", job("hold")));
    co_await until([&] { return s.unfinished() == 2 && s.active() >= 2; });
    Task<> draining = create_task(s.drain());
    release(2);
    const Reply seen = co_await waiting.reply();
    EXPECT_EQ(seen.json()["state"], "done");
    EXPECT_EQ(seen.header("Connection"), "close");
    EXPECT_EQ((co_await attached.reply()).json()["state"], "done");
    co_await draining;
    co_await held(2);
  });
}

TEST(Step7_Drain, OthersMayAskMeanwhile) {
  Served s;
  s.run([&]() -> Coro<> {
    co_await s.ask(post("/jobs", job("hold")));
    co_await held(1);
    Task<> draining = create_task(s.drain());
    co_await passes(2);
    const Reply seen = co_await s.ask(get("/jobs/1"));
    EXPECT_EQ(seen.status, 200);
    EXPECT_EQ(seen.json()["state"], "running");
    release(1);
    co_await draining;
  });
}

TEST(Step7_Drain, ClientsInEveryStateAreLetGo) {
  Served s;
  s.run([&]() -> Coro<> {
    Client idle = s.client();
    Client begins = s.client();
    begins.send("GET /healthz HT");
    Client was_told = s.client();
    was_told.send("what?\r\n\r\n");
    EXPECT_EQ((co_await was_told.reply()).status, 400);
    Client waits = s.client();
    waits.send(post("/run", job("hold")));
    co_await held(1);
    Client leaves = s.client();
    leaves.send(post("/run", job("spin")));
    co_await until([&] { return s.running() == 2; });
    Task<> draining = create_task(s.drain(std::chrono::hours(1)));
    leaves.leave();
    release(1);
    EXPECT_EQ((co_await waits.reply()).json()["state"], "done");
    co_await draining;
    EXPECT_EQ(co_await idle.rest(), "");
    EXPECT_EQ(co_await begins.rest(), "");
    co_await until([&] { return s.connections() == 0; });
  });
}

TEST(Step7_Drain, AfterwardsNobodyIsLetIn) {
  Served s;
  s.run([&]() -> Coro<> {
    const std::uint16_t port = s.port();
    co_await s.drain();
    Client late(port);
    EXPECT_EQ(co_await late.rest(), "");
  });
}

TEST(Step7_Drain, AClientThatDoesNotReadDoesNotHoldItUp) {
  Served s;
  s.run([&]() -> Coro<> {
    Client listener = s.client();
    std::string many;
    for (int i = 0; i < 2000; ++i) many += get("/page.js");
    listener.send(many.substr(0, 60'000));
    co_await until([&] { return s.active() == 1; });
    co_await s.drain(20ms);
    co_await passes(3);
    EXPECT_EQ(s.active(), 0u);
    EXPECT_EQ(s.connections(), 0u) << "when it has drained, all connections are closed";
    co_await until([&] { return s.connections() == 0; });
  });
}

TEST(Step7_Drain, WhoStillTakesAnAnswerGetsAllOfIt) {
  const TemporaryFolder folder;
  Served s({.path = folder / "socket"});
  s.run([&]() -> Coro<> {
    Client slow = connect_to(folder / "socket");
    std::size_t one = 0;
    std::size_t all = 0;
    for (int asked = 1; unread(slow) == all; ++asked) {  // until the system takes no more
      slow.send(get("/page.js"));
      co_await until([&] { return s.answers(200) == static_cast<std::size_t>(asked); });
      co_await passes(2);
      if (asked == 1) one = unread(slow);
      all += one;
    }
    EXPECT_EQ(s.active(), 0u) << "what is left is too little to wait for";
    Task<> draining = create_task(s.drain(std::chrono::hours(1)));
    co_await passes(5);
    EXPECT_EQ((co_await slow.rest()).size(), all);
    slow.leave();
    co_await draining;
  });
}
