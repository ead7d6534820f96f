// Chapter 13, step 6: what a server has accepted is not lost.

#include "served.hpp"

using asyncio::jobs::JobState;
using asyncio::jobs::JobTable;
using course::Gate;

namespace {

/// What was written down, by thread.
struct Disk {
  std::mutex mutex;
  std::vector<JobRecord> written;
  bool full = false;

  Save save() {
    return [this](std::span<const JobRecord> jobs) {
      const std::lock_guard lock(mutex);
      if (full) throw std::runtime_error("database or disk is full");
      written.insert(written.end(), jobs.begin(), jobs.end());
    };
  }
  /// Returns what was written of a job: "queued done".
  std::string states(std::int64_t id) {
    const std::lock_guard lock(mutex);
    std::string text;
    for (const JobRecord& job : written)
      if (job.id == id) text += (text.empty() ? "" : " ") + std::string(to_string(job.state));
    return text;
  }
  void set_full(bool now) {
    const std::lock_guard lock(mutex);
    full = now;
  }
};

}  // namespace

TEST(Step6_Accepted, AJobIsAccepted) {
  Served s;
  s.run([&]() -> Coro<> {
    const Reply reply = co_await s.ask(post("/jobs", square(3)));
    EXPECT_EQ(reply.status, 202);
    EXPECT_EQ(reply.header("Location"), "/jobs/1");
    const Reply done = co_await s.ask(get("/jobs/1?wait_ms=10000"));
    EXPECT_EQ(done.status, 200);
    EXPECT_EQ(done.json()["result"], 9);
    EXPECT_EQ((co_await s.ask(get("/jobs/2"))).status, 404);
    EXPECT_EQ((co_await s.ask(get("/jobs/x"))).status, 404);
  });
}

TEST(Step6_Accepted, ItIsOnDiskBeforeItIsSaid) {
  Gate disk;
  Served s({.save = [&](std::span<const JobRecord>) { disk.pass(); }});
  s.run([&]() -> Coro<> {
    Client client = s.client();
    client.send(post("/jobs", square(3)));
    co_await until([&] { return s.admitted() == 1; });
    disk.wait_until_entered();
    EXPECT_EQ((co_await s.ask(get("/healthz"))).status, 200) << "the loop does not wait for the disk";
    EXPECT_EQ(s.unfinished(), 0u) << "it must not run before it is on disk";
    EXPECT_EQ((co_await s.ask(get("/jobs/1"))).status, 404);
    disk.open();
    EXPECT_EQ((co_await client.reply()).status, 202);
    co_await s.ask(get("/jobs/1?wait_ms=10000"));
  });
}

TEST(Step6_Accepted, ItsEndIsOnDiskBeforeAnybodySeesIt) {
  Disk disk;
  Served s({.save = disk.save()});
  s.run([&]() -> Coro<> {
    co_await s.ask(post("/jobs", square(3)));
    const Reply done = co_await s.ask(get("/jobs/1?wait_ms=10000"));
    EXPECT_EQ(done.json()["state"], "done");
    EXPECT_EQ(disk.states(1), "queued done");
  });
}

TEST(Step6_Accepted, WhatCannotBeWrittenIs507AndDoesNotRun) {
  Disk disk;
  disk.full = true;
  Served s({.save = disk.save()});
  s.run([&]() -> Coro<> {
    const Reply refused = co_await s.ask(post("/jobs", square(3)));
    EXPECT_EQ(refused.status, 507);
    EXPECT_NE(refused.body.find("disk is full"), std::string::npos);
    EXPECT_EQ(s.unfinished() + s.admitted(), 0u);
    EXPECT_EQ((co_await s.ask(get("/healthz"))).status, 503);
    disk.set_full(false);
    EXPECT_EQ((co_await s.ask(post("/jobs", square(3)))).status, 202);
    EXPECT_EQ((co_await s.ask(get("/healthz"))).status, 200);
    co_await s.ask(get("/jobs/2?wait_ms=10000"));
  });
}

TEST(Step6_Accepted, AnEndThatCannotBeWrittenIsNotShownYet) {
  Disk disk;
  Served s({.save = disk.save()});
  s.run([&]() -> Coro<> {
    co_await s.ask(post("/jobs", job("hold")));
    co_await held(1);
    disk.set_full(true);
    release(1);
    co_await until([&] { return s.failed_commits() > 0; });
    EXPECT_EQ((co_await s.ask(get("/jobs/1"))).json()["state"], "running");
    disk.set_full(false);
    EXPECT_EQ((co_await s.ask(get("/jobs/1?wait_ms=10000"))).json()["state"], "done");
  });
}

TEST(Step6_Accepted, AFullQueueRefusesAndWritesNothing) {
  Disk disk;
  Served s({.queue = 1, .save = disk.save()});
  s.run([&]() -> Coro<> {
    for (int i = 0; i < 2; ++i) EXPECT_EQ((co_await s.ask(post("/jobs", job("hold")))).status, 202);
    const Reply refused = co_await s.ask(post("/jobs", job("hold")));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.header("Retry-After"), "1");
    EXPECT_EQ(disk.states(3), "");
    release(2);
    co_await s.ask(get("/jobs/2?wait_ms=10000"));
    co_await held(2);
  });
}

TEST(Step6_Accepted, JobsOnTheirWayToTheDiskCountAsWaiting) {
  Gate disk;
  Served s({.queue = 1, .save = [&](std::span<const JobRecord>) { disk.pass(); }});
  s.run([&]() -> Coro<> {
    Client first = s.client();
    first.send(post("/jobs", square(3)));
    co_await until([&] { return s.admitted() == 1; });
    EXPECT_EQ((co_await s.ask(post("/jobs", square(3)))).status, 503);
    disk.open();
    EXPECT_EQ((co_await first.reply()).status, 202);
    co_await s.ask(get("/jobs/1?wait_ms=10000"));
  });
}

TEST(Step6_Accepted, WhatAnEarlierServerLeftRunsUnderItsId) {
  Disk disk;
  Served s({.save = disk.save(),
            .earlier = {{.id = 5, .kind = "square", .args = "{\"number\":5}", .state = JobState::running},
                        {.id = 7,
                         .kind = "square",
                         .args = "{\"number\":7}",
                         .state = JobState::done,
                         .outcome = {JobState::done, "49", ""}}}});
  s.run([&]() -> Coro<> {
    EXPECT_EQ((co_await s.ask(get("/jobs/7"))).json()["result"], 49);
    EXPECT_EQ((co_await s.ask(get("/jobs/5?wait_ms=10000"))).json()["result"], 25);
    EXPECT_EQ(disk.states(5), "done");
    EXPECT_EQ((co_await s.ask(post("/jobs", square(3)))).header("Location"), "/jobs/8");
    co_await s.ask(get("/jobs/8?wait_ms=10000"));
  });
}

TEST(Step6_Accepted, WhatNoServerCanRunAnyMoreHasFailed) {
  Disk disk;
  Served s({.save = disk.save(), .earlier = {{.id = 5, .kind = "of yesterday", .state = JobState::queued}}});
  s.run([&]() -> Coro<> {
    const Reply found = co_await s.ask(get("/jobs/5?wait_ms=10000"));
    EXPECT_EQ(found.json()["state"], "failed");
    EXPECT_EQ(found.json()["error"], "this server has no such kind of job");
    EXPECT_EQ((co_await s.ask(request("DELETE", "/jobs/5"))).status, 409);
    EXPECT_EQ(s.unfinished(), 0u);
    EXPECT_EQ(disk.states(5), "") << "a server that has the kind may run it yet";
    EXPECT_EQ((co_await s.ask(post("/jobs", square(3)))).header("Location"), "/jobs/6");
  });
}

TEST(Step6_Accepted, ACancelledJobStaysCancelledAfterACrash) {
  Disk disk;
  Served s({.save = disk.save()});
  s.run([&]() -> Coro<> {
    co_await s.ask(post("/jobs", job("spin")));
    const Reply cancelled = co_await s.ask(request("DELETE", "/jobs/1"));
    EXPECT_EQ(cancelled.status, 200);
    EXPECT_EQ(cancelled.json()["state"], "cancelled");
    EXPECT_EQ(disk.states(1), "queued cancelled");
    EXPECT_EQ((co_await s.ask(request("DELETE", "/jobs/1"))).status, 409);
    EXPECT_EQ((co_await s.ask(request("DELETE", "/jobs/9"))).status, 404);
  });
}

TEST(Step6_Accepted, WhatAClientWaitsForIsNotWritten) {
  Disk disk;
  Served s({.save = disk.save()});
  s.run([&]() -> Coro<> {
    EXPECT_EQ((co_await s.ask(post("/run", square(3)))).status, 200);
    EXPECT_EQ(disk.states(1), "");
    EXPECT_EQ((co_await s.ask(post("/jobs", square(3)))).status, 202);
    co_await s.ask(get("/jobs/2?wait_ms=10000"));
    EXPECT_EQ(disk.states(2), "queued done");
    EXPECT_EQ(disk.states(1), "");
  });
}

TEST(Step6_Accepted, WhoAsksMayWaitForAWhile) {
  Served s;
  s.run([&]() -> Coro<> {
    co_await s.ask(post("/jobs", job("hold")));
    EXPECT_EQ((co_await s.ask(get("/jobs/1?wait_ms=1"))).json()["state"], "running");
    EXPECT_EQ((co_await s.ask(get("/jobs/1?wait_ms=-1"))).status, 400);
    release(1);
    EXPECT_EQ((co_await s.ask(get("/jobs/1?wait_ms=10000"))).json()["state"], "done");
    co_await held(1);
  });
}
