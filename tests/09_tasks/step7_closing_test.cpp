// Chapter 09, step 7: a runner is closed, and by whom, and when.

#include "support.hpp"

#include <atomic>
#include <optional>
#include <vector>

using asyncio::Runner;

namespace {

/// A service that says when it is waited for, and when it is closed.
class Telling final : public asyncio::Service {
 public:
  explicit Telling(EventLoop& loop) : Service(loop) {}
  void join() override { log->push_back("joined"); }
  void close() noexcept override {
    if (Log* const to = std::exchange(log, nullptr)) to->push_back("closed");
  }

  Log* log = nullptr;

 private:
  ~Telling() override = default;
};

/// Waits for a task that may be made later.
Coro<> waits_for(std::optional<Task<int>>& other) { co_await *other; }

}  // namespace

TEST(Step7_Runner, TheServicesAreJoinedWhenTheTasksHaveEnded) {  // AIO-121
  Log log;
  const auto left = [&]() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
    }
    co_await sleep(0s);
    log.push_back("cleaned up");
  };
  const auto body = [&]() -> Coro<> {
    asyncio::get_running_loop().use_service<Telling>().log = &log;
    create_task(left());
    co_await sleep(0s);
  };
  asyncio::run(body());
  EXPECT_EQ(log, (Log{"cleaned up", "joined", "closed"}));
}

TEST(Step7_Runner, ItsLoopGoesWhenItIsClosed) {  // AIO-122
  Log log;
  Runner runner;
  runner.get_loop().call_later(1h, [at_end = AtEnd([&] { log.push_back("callback"); })] {});
  const Future<int> future = runner.get_loop().create_future<int>();
  runner.close();
  EXPECT_EQ(log, Log{"callback"});
  EXPECT_EQ(error_of([&] { return &future.get_loop(); }), "the future's event loop is gone")
      << "though the runner is still there";
  EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), "There is no current event loop in this thread");
}

TEST(Step7_Runner, ATaskMayCloseItWhileItIsClosed) {  // AIO-122
  Log log;
  Runner runner;
  const auto left = [&]() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
    }
    log.push_back(error_of([&] { runner.close(); }));
    co_await sleep(0s);
    log.push_back("cleaned up");
  };
  const auto body = [&]() -> Coro<> {
    create_task(left());
    co_await sleep(0s);
  };
  runner.run(body());
  runner.close();
  EXPECT_EQ(log, (Log{"nothing", "cleaned up"})) << "it is closed already";
}

TEST(Step7_Runner, NobodyClosesItInsideItsOwnLoop) {  // AIO-122
  Log log;
  Runner runner;
  const auto body = [&]() -> Coro<int> {
    log.push_back(error_of([&] { runner.close(); }));
    co_return co_await sleep(0s, 7);
  };
  EXPECT_EQ(runner.run(body()), 7);
  EXPECT_EQ(log, Log{"Cannot close a running event loop"});
  EXPECT_EQ(runner.run(give(8)), 8) << "and it is as it was";
  runner.close();
  EXPECT_EQ(error_of([&] { runner.get_loop(); }), "Runner is closed");
}

TEST(Step7_Runner, InsideAnotherLoopItsTasksCannotCleanUp) {  // AIO-122
  std::atomic<int> alive = 0;
  Log log;
  Runner runner, idle;
  const auto left = [&](Counted counted) -> Coro<> {
    const AtEnd at_end([&] { log.push_back("destroyed"); });
    co_await sleep(1h);
  };
  const auto body = [&]() -> Coro<> {
    create_task(left(Counted(alive)));
    co_await sleep(0s);
  };
  const auto outer = [&]() -> Coro<int> {
    log.push_back(error_of([&] { runner.close(); }));
    log.push_back(error_of([&] { runner.get_loop(); }));
    log.push_back(error_of([&] { idle.close(); }));
    co_return co_await sleep(0s, 7);
  };
  runner.run(body());
  idle.run(give(1));
  const std::string written = stderr_of([&] { EXPECT_EQ(asyncio::run(outer()), 7); });
  EXPECT_EQ(log, (Log{"destroyed", "Cannot run the event loop while another loop is running",
                      "Runner is closed", "Cannot run the event loop while another loop is running"}))
      << "they go with its loop";
  EXPECT_EQ(alive, 0);
  EXPECT_NE(written.find("Task was destroyed but it is pending!"), std::string::npos) << written;
}

TEST(Step7_Runner, WhatIsMadeWhileItIsClosedIsNotWaitedFor) {  // AIO-121
  std::atomic<int> alive = 0;
  Log log;
  int made = 0;
  struct Left {
    static Coro<> again(Log& log, int& made, Counted counted, std::atomic<int>& alive) {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
      }
      if (++made < 10) create_task(again(log, made, Counted(alive), alive));
      for (int i = 0; i < 3; ++i) co_await sleep(0s);
      log.push_back("cleaned up");
    }
  };
  const auto body = [&]() -> Coro<> {
    create_task(Left::again(log, made, Counted(alive), alive));
    co_await sleep(0s);
  };
  const std::string written = stderr_of([&] { asyncio::run(body()); });
  EXPECT_EQ(log, Log{"cleaned up"}) << "the one that was there";
  EXPECT_EQ(made, 1);
  EXPECT_EQ(alive, 0) << "the one that it has made goes with the loop";
  EXPECT_NE(written.find("Task was destroyed but it is pending!"), std::string::npos) << written;
}

TEST(Step7_Runner, WhoAwaitsATaskThatHasJustEndedIsCancelledToo) {  // AIO-42, AIO-121
  Log log;
  std::optional<Task<int>> inner;
  const auto outer = [&]() -> Coro<> {
    try {
      co_await waits_for(inner);
      log.push_back("has the result");
    } catch (const CancelledError&) {
      log.push_back("cancelled");
    }
  };
  const auto body = [&]() -> Coro<> {
    Future<int> future = asyncio::get_running_loop().create_future<int>();
    inner = create_task(future);
    create_task(outer());
    co_await sleep(0s);
    future.set_result(1);
    co_await sleep(0s);  // behind the inner task, which ends in the same pass
    asyncio::get_running_loop().stop();
  };
  asyncio::run(body());
  EXPECT_EQ(log, Log{"cancelled"}) << "the outer one waits no more, and has not gone on";
}
