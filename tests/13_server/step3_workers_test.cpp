// Chapter 13, step 3: a job runs elsewhere, and the loop goes on.

#include "worker_pool.hpp"

#include "support.hpp"

#include <signal.h>
#include <sys/resource.h>

using asyncio::jobs::Place;
using asyncio::jobs::WorkerDied;
using asyncio::jobs::WorkerPool;

namespace {

/// Workers, and a loop.
struct Workers {
  WorkerPool pool;
  Kinds kinds = test_kinds();
  EpollLoop e;

  explicit Workers(int processes = 1, int threads = 1) : pool({.processes = processes, .threads = threads}) {
    e.stands = [this] {
      std::string text = "the job of no worker is over";
      for (std::size_t i = 0; i < pool.slots().size(); ++i)
        text += ", slot " + std::to_string(i) + (pool.slots()[i].busy ? " is busy" : " is free");
      return text;
    };
  }

  /// Takes a slot, and runs a job of that kind in it.
  Coro<std::string> start(std::string kind, std::string args = "{}") {
    const asyncio::jobs::Kind& which = kinds.find(kind)->second;
    std::size_t slot = 0;
    if (which.place != Place::loop) {
      while (!pool.take(which.place)) co_await passes(1);
      slot = last_taken(which.place);
    }
    co_return co_await pool.run(slot, which, args);
  }
  /// The error of a job.
  Coro<std::string> error(std::string kind) {
    try {
      co_await start(kind);
    } catch (const WorkerDied& error) {
      co_return std::string("WorkerDied: ") + error.what();
    } catch (const std::exception& error) {
      co_return error.what();
    }
    co_return "nothing";
  }
  /// Waits until the first process has died, and its pool knows.
  Coro<> lose_process() {
    const WorkerPool::Process& process = pool.slots()[0].process;
    const auto one = +[] { return 1; };
    ::kill(process.pid, SIGKILL);
    bool broken = false;
    while (!broken) {
      try {
        process.pool->submit(one);
      } catch (const concurrent::BrokenProcessPool&) {
        broken = true;
      }
      co_await passes(1);
    }
  }
  /// Waits until a job has begun, which has to wait for a new process then: that takes longer.
  static Coro<> begins() {
    for (int i = 0; i < 3; ++i) co_await sleep(0ns);
  }
  /// Cancels a job, and waits for its end.
  static Coro<> cancel(Task<std::string>& job) {
    job.cancel();
    bool cancelled = false;
    try {
      co_await job;
    } catch (const asyncio::CancelledError&) {
      cancelled = true;
    }
    EXPECT_TRUE(cancelled);
  }

 private:
  std::size_t last_taken(Place place) const {
    std::size_t last = 0;
    for (std::size_t i = 0; i < pool.slots().size(); ++i)
      if (pool.slots()[i].place == place && pool.slots()[i].busy) last = i;
    return last;
  }
};

}  // namespace

TEST(Step3_Workers, AProcessComputes) {
  Workers w;
  EXPECT_EQ(w.e.result_of([&] { return w.start("square", "{\"number\":7}"); }), "49");
}

TEST(Step3_Workers, AProcessIsAnother) {
  Workers w;
  const std::string pid = w.e.result_of([&] { return w.start("pid"); });
  EXPECT_EQ(pid, std::to_string(w.pool.slots()[0].process.pid));
  EXPECT_NE(pid, std::to_string(::getpid()));
}

TEST(Step3_Workers, AProcessGivesWayToTheLoop) {
  Workers w;
  const int ours = ::getpriority(PRIO_PROCESS, 0);
  EXPECT_EQ(w.e.result_of([&] { return w.start("niceness"); }), std::to_string(std::min(ours + 10, 19)));
}

TEST(Step3_Workers, AThreadWaits) {
  Workers w;
  release(1);
  EXPECT_EQ(w.e.result_of([&] { return w.start("hold", "{\"a\":1}"); }), "{\"a\":1}");
  w.e.run([] { return held(1); });
}

TEST(Step3_Workers, WhatIsSmallRunsOnTheLoop) {
  Workers w;
  EXPECT_EQ(w.e.result_of([&] { return w.start("now", "[1]"); }), "[1]");
  EXPECT_EQ(w.pool.take(Place::process), 0u);
  w.e.result_of([&] { return w.pool.run(0, w.kinds.find("now")->second, "1"); });
  EXPECT_TRUE(w.pool.slots()[0].busy) << "it has no slot, and gives none back";
}

TEST(Step3_Workers, TheLoopGoesOnMeanwhile) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    Task<std::string> computing = create_task(w.start("spin"));
    Task<std::string> waiting = create_task(w.start("hold"));
    co_await held(1);
    EXPECT_TRUE(w.pool.slots()[0].busy);
    EXPECT_TRUE(w.pool.slots()[1].busy);
    EXPECT_EQ(co_await w.start("now", "1"), "1");
    release(1);
    EXPECT_EQ(co_await waiting, "{}");
    EXPECT_FALSE(computing.done());
    ::kill(w.pool.slots()[0].process.pid, SIGKILL);
    std::string error;
    try {
      co_await computing;
    } catch (const WorkerDied& died) {
      error = died.what();
    }
    EXPECT_TRUE(error.starts_with("its worker died: "));
  });
}

TEST(Step3_Workers, WorkersWorkAtTheSameTime) {
  Workers w(1, 3);
  w.e.run([&]() -> Coro<> {
    std::vector<Task<std::string>> jobs;
    for (int i = 0; i < 3; ++i) {
      jobs.push_back(create_task(w.start("hold")));
      co_await held(1);
    }
    EXPECT_EQ(w.pool.take(Place::thread), std::nullopt);
    release(3);
    for (Task<std::string>& job : jobs) co_await job;
  });
}

TEST(Step3_Workers, AWorkerIsFreeAfterwards) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    co_await w.start("square", "{\"number\":2}");
    EXPECT_FALSE(w.pool.slots()[0].busy);
    EXPECT_EQ(co_await w.error("fail"), "it fails");
    EXPECT_FALSE(w.pool.slots()[0].busy);
    EXPECT_EQ(co_await w.error("wait_and_fail"), "it fails on a thread");
    EXPECT_FALSE(w.pool.slots()[1].busy);
    EXPECT_EQ(w.pool.take(Place::process), 0u);
    EXPECT_TRUE(w.pool.slots()[0].busy);
    EXPECT_EQ(w.pool.take(Place::process), std::nullopt);
  });
}

TEST(Step3_Workers, AnErrorOfAJobIsItsOwn) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    EXPECT_EQ(co_await w.error("fail"), "it fails");
    EXPECT_EQ(co_await w.error("broken"), "it is broken");
    EXPECT_EQ(w.pool.slots()[0].restarts, 0u);
  });
}

TEST(Step3_Workers, AWorkerThatDiesHasASuccessor) {
  Workers w;
  Log replaced;
  w.pool.on_replaced([&](std::size_t slot) { replaced.push_back(std::to_string(slot)); });
  w.e.run([&]() -> Coro<> {
    const int before = w.pool.slots()[0].process.pid;
    const std::string error = co_await w.error("crash");
    EXPECT_TRUE(error.starts_with("WorkerDied: its worker died: ")) << error;
    EXPECT_EQ(w.pool.slots()[0].restarts, 1u);
    EXPECT_NE(w.pool.slots()[0].process.pid, before);
    EXPECT_EQ(co_await w.start("square", "{\"number\":3}"), "9");
  });
  EXPECT_EQ(replaced, Log{"0"});
}

TEST(Step3_Workers, AWorkerThatDiesCostsNoOther) {
  Workers w(2);
  w.e.run([&]() -> Coro<> {
    Task<std::string> other = create_task(w.start("spin"));
    co_await until([&] { return w.pool.slots()[0].busy; });
    const std::string error = co_await w.error("crash");
    EXPECT_TRUE(error.starts_with("WorkerDied"));
    EXPECT_FALSE(other.done());
    EXPECT_EQ(w.pool.slots()[0].restarts + w.pool.slots()[1].restarts, 1u);
    w.pool.stop(0);
    std::string outcome = "nothing";
    try {
      co_await other;
    } catch (const WorkerDied&) {
      outcome = "died";
    }
    EXPECT_EQ(outcome, "died");
  });
}

TEST(Step3_Workers, AWorkerThatIsStoppedBeforeItBeginsIsReplaced) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    const std::size_t slot = *w.pool.take(Place::process);
    w.pool.stop(slot);
    std::string outcome = "nothing";
    try {
      co_await w.pool.run(slot, w.kinds.find("pid")->second, "{}");
    } catch (const WorkerDied&) {
      outcome = "died";
    }
    EXPECT_EQ(outcome, "died");
    EXPECT_EQ(co_await w.start("square", "{\"number\":3}"), "9");
  });
}

TEST(Step3_Workers, AJobGoesToTheSuccessorOfAWorkerThatHadDied) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    co_await w.lose_process();
    EXPECT_EQ(co_await w.start("square", "{\"number\":6}"), "36");
    EXPECT_EQ(w.pool.slots()[0].restarts, 1u);
  });
}

TEST(Step3_Workers, AJobMayBeStoppedWhileItWaitsForTheSuccessor) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    co_await w.lose_process();
    Task<std::string> outcome = create_task(w.error("pid"));
    co_await w.begins();
    if (w.pool.slots()[0].restarts > 0)
      co_return static_cast<void>(co_await outcome);  // the machine is too slow for this
    EXPECT_TRUE(w.pool.slots()[0].busy) << "there is no worker yet for another job";
    w.pool.stop(0);
    EXPECT_EQ((co_await outcome).substr(0, 10), "WorkerDied");
    EXPECT_EQ(co_await w.start("square", "{\"number\":6}"), "36");
  });
}

TEST(Step3_Workers, AJobThatIsCancelledIsStoppedAndTheNextOneRuns) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    Task<std::string> computing = create_task(w.start("spin"));
    Task<std::string> waiting = create_task(w.start("hold"));
    co_await held(1);
    co_await w.cancel(computing);
    co_await w.cancel(waiting);
    EXPECT_FALSE(w.pool.slots()[0].busy);
    EXPECT_FALSE(w.pool.slots()[1].busy);
    EXPECT_EQ(w.pool.slots()[0].restarts, 1u) << "a slot is free when it has a worker";
    EXPECT_EQ(co_await w.start("square", "{\"number\":5}"), "25");
    Task<std::string> next = create_task(w.start("hold"));
    co_await held(1);  // so the one before has ended
    release(1);
    EXPECT_EQ(co_await next, "{}");
  });
}

TEST(Step3_Workers, AJobThatIsCancelledKeepsItsSlotUntilItIsOver) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    Task<std::string> job = create_task(w.start("deaf"));
    co_await held(1);
    for (const char* which : {"it was cancelled", "it was cancelled again"}) {
      job.cancel();
      co_await passes(5);
      EXPECT_TRUE(w.pool.slots()[1].busy) << which << ", and its thread still runs";
      EXPECT_FALSE(job.done()) << which << ", and its thread still runs";
    }
    release(1);
    co_await until([&] { return job.done(); });
    EXPECT_TRUE(job.cancelled());
    EXPECT_FALSE(w.pool.slots()[1].busy);
  });
}

TEST(Step3_Workers, AJobThatIsCancelledBeforeItHasAWorkerLeavesOneToTheNext) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    co_await w.lose_process();
    Task<std::string> early = create_task(w.start("pid"));
    co_await w.begins();
    if (w.pool.slots()[0].restarts > 0)
      co_return static_cast<void>(co_await early);  // the machine is too slow for this
    co_await w.cancel(early);
    EXPECT_FALSE(w.pool.slots()[0].busy);
    EXPECT_EQ(w.pool.slots()[0].restarts, 1u) << "a slot is free when it has a worker";
    EXPECT_EQ(co_await w.start("square", "{\"number\":7}"), "49");
  });
}

TEST(Step3_Workers, AThreadIsAskedToStop) {
  Workers w;
  w.e.run([&]() -> Coro<> {
    Task<std::string> waiting = create_task(w.start("hold"));
    co_await held(1);
    w.pool.stop(1);
    EXPECT_EQ(co_await waiting, "\"stopped\"");
    release(1);
    EXPECT_EQ(co_await w.start("hold"), "{}") << "the next one was not asked";
    co_await held(1);
  });
}
