// Chapter 09, step 7: run() and Runner, which make the loop and clean up behind it.

#include "support.hpp"

#include <atomic>
#include <optional>
#include <vector>

using asyncio::Runner;

TEST(Step7_Runner, RunGivesTheResultOrThrows) {  // AIO-120
  EXPECT_EQ(asyncio::run(give(7)), 7);
  EXPECT_EQ(error_of([] { asyncio::run(fail("no")); }), "no");
  int number = 1;
  const auto reference = [&]() -> Coro<int&> { co_return number; };
  const auto ticket = []() -> Coro<Ticket> { co_return Ticket(5); };
  EXPECT_EQ(&asyncio::run(reference()), &number);
  EXPECT_EQ(*asyncio::run(ticket()).number, 5);
  asyncio::run(sleep(0s));
}

TEST(Step7_Runner, RunMakesAFreshLoopAndClosesIt) {  // AIO-120
  struct Telling final : Selector {
    explicit Telling(Log& log) : log_(log) { log_.push_back("made"); }
    ~Telling() override { log_.push_back("destroyed"); }
    void select(std::optional<Duration> timeout) override { clock_.select(timeout); }
    void wake() override { clock_.wake(); }
    TimePoint now() override { return clock_.now(); }

   private:
    Log& log_;
    VirtualTimeSelector clock_;
  };
  Log log;
  const auto body = [&]() -> Coro<> {
    EventLoop& loop = asyncio::get_running_loop();
    EXPECT_EQ(&asyncio::get_event_loop(), &loop);
    co_await sleep(1h);
    log.push_back(loop.time() == TimePoint(1h) ? "runs" : "wrong clock");
  };
  const auto factory = [&] { return std::make_unique<EventLoop>(std::make_unique<Telling>(log)); };
  for (int i = 0; i < 2; ++i) asyncio::run(body(), {.loop_factory = factory});
  EXPECT_EQ(log, (Log{"made", "runs", "destroyed", "made", "runs", "destroyed"}));
  EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), "There is no current event loop in this thread");
}

TEST(Step7_Runner, RunSetsDebugModeIfItIsAskedTo) {  // AIO-120
  const auto debug = []() -> Coro<bool> { co_return asyncio::get_running_loop().get_debug(); };
  const auto factory = [] {
    std::unique_ptr<EventLoop> loop = asyncio::new_event_loop();
    loop->set_debug(true);
    return loop;
  };
  EXPECT_FALSE(asyncio::run(debug()));
  EXPECT_TRUE(asyncio::run(debug(), {.debug = true}));
  EXPECT_TRUE(asyncio::run(debug(), {.loop_factory = factory})) << "a loop keeps what it was made with";
  EXPECT_TRUE(
      asyncio::run(debug(), {.debug = true, .loop_factory = [] { return asyncio::new_event_loop(); }}))
      << "one that a factory has made gets it too";
}

TEST(Step7_Runner, NeitherRunsInsideALoop) {  // AIO-120, AIO-122
  std::atomic<int> alive = 0;
  Log log;
  const auto body = [&](Counted counted) -> Coro<> {
    log.push_back("begins");
    co_return;
  };
  Runner runner;
  const auto outer = [&]() -> Coro<> {
    log.push_back(error_of([&] { asyncio::run(body(Counted(alive))); }));
    log.push_back(error_of([&] { runner.run(body(Counted(alive))); }));
    co_return;
  };
  asyncio::run(outer());
  EXPECT_EQ(log, (Log{"asyncio.run() cannot be called from a running event loop",
                      "Runner.run() cannot be called from a running event loop"}));
  EXPECT_EQ(alive, 0);
  runner.run(body(Counted(alive)));
  EXPECT_EQ(log.back(), "begins");
}

TEST(Step7_Runner, WhatIsLeftIsCancelledAndMayCleanUp) {  // AIO-121
  Log log;
  const auto left = [&](const char* name) -> Coro<> {
    std::exception_ptr error;
    try {
      co_await sleep(1h);
    } catch (...) {
      error = std::current_exception();
    }
    log.push_back(std::string(name) + " cleans up");
    for (int i = 0; i < 5; ++i) co_await sleep(0s);
    log.push_back(std::string(name) + " is clean");
    if (error) std::rethrow_exception(error);
  };
  const auto never = [&]() -> Coro<> {
    log.push_back("begins");
    co_return;
  };
  const auto body = [&]() -> Coro<int> {
    create_task(left("one"));
    create_task(left("two"));
    co_await sleep(0s);
    create_task(never());
    log.push_back("main ends");
    co_return 7;
  };
  EXPECT_EQ(asyncio::run(body()), 7);
  EXPECT_EQ(log,
            (Log{"main ends", "begins", "one cleans up", "two cleans up", "one is clean", "two is clean"}));
}

TEST(Step7_Runner, WhatIsLeftIsCancelledAlsoIfMainThrows) {  // AIO-121
  Log log;
  const auto left = [&]() -> Coro<> {
    const AtEnd at_end([&] { log.push_back("cancelled"); });
    co_await sleep(1h);
  };
  const auto body = [&]() -> Coro<> {
    create_task(left());
    co_await sleep(0s);
    throw std::runtime_error("no");
  };
  EXPECT_EQ(stderr_of([&] { log.push_back(error_of([&] { asyncio::run(body()); })); }), "");
  EXPECT_EQ(log, (Log{"cancelled", "no"}));
}

TEST(Step7_Runner, WhatFailsWhileItIsCancelledIsReported) {  // AIO-121
  Log log;
  const auto fails = [](const char* error) -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw std::runtime_error(error);
    }
  };
  const auto refuses = []() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
    }
  };
  const auto body = [&]() -> Coro<> {
    asyncio::get_running_loop().set_exception_handler([&](EventLoop& loop, const ExceptionContext& context) {
      log.push_back(context.message + ": " + what(context.exception));
      EXPECT_FALSE(loop.is_closed());
    });
    create_task(fails("no"));
    create_task(refuses());
    create_task(fails("neither"));
    create_task(sleep(1h));
    co_await sleep(0s);
  };
  EXPECT_EQ(stderr_of([&] { asyncio::run(body()); }), "");
  EXPECT_EQ(log, (Log{"unhandled exception during asyncio.run() shutdown: no",
                      "unhandled exception during asyncio.run() shutdown: neither"}))
      << "each once, and as this";
}

TEST(Step7_Runner, OneLoopForSeveralRuns) {  // AIO-122
  int loops = 0;
  std::atomic<int> alive = 0;
  std::vector<Duration> woken;
  {
    Runner runner({.loop_factory = [&] {
      ++loops;
      return std::make_unique<EventLoop>(std::make_unique<VirtualTimeSelector>());
    }});
    EXPECT_EQ(loops, 0) << "it is made when it is needed";
    const auto ticks = [&](Counted counted) -> Coro<> {
      for (;;) {
        co_await sleep(1s);
        woken.push_back(asyncio::get_running_loop().time().time_since_epoch());
      }
    };
    const auto body = [&]() -> Coro<int> {
      create_task(ticks(Counted(alive)));
      co_return co_await sleep(1500ms, 1);
    };
    EXPECT_EQ(runner.run(body()), 1);
    EXPECT_EQ(alive, 1) << "what is left runs on in the next run";
    EXPECT_EQ(runner.run(sleep(1s, 2)), 2);
    EXPECT_EQ(loops, 1);
    EXPECT_EQ(&asyncio::get_event_loop(), &runner.get_loop());
    EXPECT_FALSE(runner.get_loop().is_running());
  }
  EXPECT_EQ(woken, (std::vector<Duration>{1s, 2s}));
  EXPECT_EQ(alive, 0) << "and is cancelled at the end";
}

TEST(Step7_Runner, AClosedRunnerRunsNothing) {  // AIO-122
  std::atomic<int> alive = 0;
  const auto body = [](Counted) -> Coro<int> { co_return 1; };
  Runner runner;
  EXPECT_EQ(runner.run(body(Counted(alive))), 1);
  runner.close();
  runner.close();
  EXPECT_EQ(error_of([&] { runner.run(body(Counted(alive))); }), "Runner is closed");
  EXPECT_EQ(error_of([&] { runner.get_loop(); }), "Runner is closed");
  EXPECT_EQ(alive, 0);
  int loops = 0;
  Runner never_used({.loop_factory = [&] {
    ++loops;
    return asyncio::new_event_loop();
  }});
  never_used.close();
  EXPECT_EQ(loops, 0) << "to close it, it needs no loop";
  EXPECT_EQ(error_of([&] { never_used.get_loop(); }), "Runner is closed");
}

TEST(Step7_Runner, ALoopThatWasClosedMeanwhileIsLeftAlone) {
  Runner runner;
  runner.run(sleep(0s));
  runner.get_loop().close();
  EXPECT_EQ(error_of([&] { runner.run(give(1)); }), "Event loop is closed");
  runner.close();
}

TEST(Step7_Runner, ATaskThatStopsTheLoopWhileItCleansUpIsDestroyed) {  // AIO-121
  std::atomic<int> alive = 0;
  const auto left = [](Counted counted) -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      asyncio::get_running_loop().stop();
    }
    co_await sleep(1h);
  };
  const auto body = [&]() -> Coro<int> {
    create_task(left(Counted(alive)));
    co_return co_await sleep(0s, 7);
  };
  const std::string stopped = "Event loop stopped before Future completed.";
  std::string written = stderr_of([&] { EXPECT_EQ(asyncio::run(body()), 7); });
  EXPECT_TRUE(written.ends_with(stopped + "\n")) << written;
  EXPECT_NE(written.find("Task was destroyed but it is pending!"), std::string::npos) << written;
  EXPECT_EQ(alive, 0);
  Runner runner;
  EXPECT_EQ(runner.run(body()), 7);
  written = stderr_of([&] { EXPECT_EQ(error_of([&] { runner.close(); }), stopped); });
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(error_of([&] { runner.get_loop(); }), "Runner is closed");
}

TEST(Step7_Runner, AFactoryThatGivesNoLoopIsAnError) {
  const auto nothing = []() -> Coro<> { co_return; };
  EventLoop loop;
  asyncio::set_event_loop(&loop);
  EXPECT_THROW(asyncio::run(nothing(), {.loop_factory = [] { return std::unique_ptr<EventLoop>(); }}),
               std::invalid_argument);
  EXPECT_EQ(&asyncio::get_event_loop(), &loop) << "this thread has the loop that it had";
}

TEST(Step7_Runner, ACircleOfTasksThatIsLeftEndsToo) {
  Log reports;
  std::vector<std::optional<Task<>>> tasks(3);
  const auto link = [&](std::size_t other) -> Coro<> {
    co_await sleep(0s);
    co_await *tasks[other];
  };
  const auto main = [&]() -> Coro<> {
    asyncio::get_running_loop().set_exception_handler(
        [&](EventLoop&, const ExceptionContext& context) { reports.push_back(context.message); });
    for (std::size_t i = 0; i < 3; ++i) tasks[i] = create_task(link((i + 1) % 3));
    create_task(link(0));  // and one that waits for the circle from outside
    for (int i = 0; i < 3; ++i) co_await sleep(0s);
  };
  asyncio::run(main());
  for (const auto& task : tasks) EXPECT_TRUE(task->cancelled());
  EXPECT_FALSE(reports.empty()) << "and the exception handler hears of it";
}
