// Chapter 10 under every schedule that matters: see docs/schedule-explorer.md.

#include "bridge.hpp"
#include "composition.hpp"
#include "pitfall_hasty_weak_loop.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "explore.hpp"

using asyncio::Bell;
using asyncio::Coro;
using asyncio::EventLoop;
using asyncio::Future;
using asyncio::HastyWeakLoop;
using asyncio::run_coroutine_threadsafe;
using asyncio::Task;
using asyncio::wrap_future;
using asyncio::detail::WeakLoop;
using concurrent::Promise;

namespace {

/// Nothing is told of exceptions: what is destroyed while it waits is no news here.
[[maybe_unused]] std::unique_ptr<EventLoop> quiet_loop() {
  auto loop = std::make_unique<EventLoop>();
  loop->set_exception_handler([](EventLoop&, const asyncio::ExceptionContext&) {});
  return loop;
}

[[maybe_unused]] void run_one_pass(EventLoop& loop) {
  loop.stop();
  loop.run_forever();
}

[[maybe_unused]] Coro<int> one_pass() {
  co_await asyncio::sleep(std::chrono::seconds(0));
  co_return 1;
}

[[maybe_unused]] Coro<int> for_ever(Future<> never) {
  co_await never;
  co_return 1;
}

}  // namespace

// Step 6: from threads into the loop.

TEST(Step6_Bridge, APostGoesThroughTheGateOrNowhere) {
  const auto scenario = [] {
    auto loop = quiet_loop();
    std::atomic<int> alive = 1;
    {
      const auto weak_loop = std::make_shared<WeakLoop>(*loop);
      std::jthread other([weak_loop, token = std::shared_ptr<void>(nullptr, [&](void*) {
                                       --alive;
                                     })]() mutable { weak_loop->post([token = std::move(token)] {}); });
      weak_loop->close();
      loop.reset();
    }
    EXPECT_EQ(alive, 0) << "it is destroyed, whatever became of it";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_Bridge, AResultWakesTheLoopWhereverItIs) {  // AIO-19
  const auto scenario = [] {
    EventLoop loop;
    Promise<int> promise;
    Future<int> future = wrap_future(promise.future(), loop);
    std::jthread other([&] { promise.set_result(1); });
    EXPECT_EQ(loop.run_until_complete(future), 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_Bridge, AResultMayMeetTheEndOfTheLoop) {  // AIO-20
  const auto scenario = [] {
    auto loop = quiet_loop();
    Promise<int> promise;
    concurrent::Future<int> source = promise.future();
    {
      static_cast<void>(wrap_future(source, *loop));
      std::jthread other([promise = std::move(promise)]() mutable { promise.set_result(1); });
      loop.reset();
    }
    EXPECT_EQ(source.result(), 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_Bridge, AResultMayMeetTheCloseOfTheLoop) {  // AIO-20
  const auto scenario = [] {
    EventLoop loop;
    Promise<int> promise;
    Future<int> future = wrap_future(promise.future(), loop);
    {
      std::jthread other([&] { promise.set_result(1); });
      loop.close();
    }
    EXPECT_FALSE(future.done());
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_Bridge, AResultMayMeetACancellation) {  // AIO-20
  const auto scenario = [] {
    EventLoop loop;
    Promise<int> promise;
    Future<int> future = wrap_future(promise.future(), loop);
    {
      std::jthread worker([&] {
        if (promise.set_running_or_notify_cancel()) promise.set_result(1);
      });
      EXPECT_TRUE(future.cancel());
      run_one_pass(loop);
    }
    run_one_pass(loop);
    EXPECT_TRUE(future.cancelled());
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_Bridge, AHandleOfTheLoopStaysInTheLoop) {  // AIO-20
  const auto scenario = [] {
    EventLoop loop;
    auto promise = std::make_unique<Promise<int>>();
    std::optional<Future<int>> future = wrap_future(promise->future(), loop);
    std::jthread worker([promise = std::move(promise)]() mutable { promise.reset(); });
    // The loop copies and drops its handles while the worker drops what it has.
    for (int i = 0; i < 3; ++i) const Future<int> copy = *future;
    run_one_pass(loop);
    future.reset();
    run_one_pass(loop);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step6_Bridge, AnExecutorIsJoinedWhileTheLoopRuns) {  // AIO-21
  const auto scenario = [] {
    EventLoop loop;
    loop.set_default_executor(
        std::make_shared<concurrent::ThreadPoolExecutor>(concurrent::ThreadPoolOptions{.max_workers = 1}));
    std::atomic<int> calls = 0;
    Future<> future = loop.run_in_executor(nullptr, [&] { ++calls; });
    loop.run_until_complete(loop.shutdown_default_executor());
    EXPECT_EQ(calls, 1);
  };
  EXPECT_TRUE(explore::survives(scenario, {.schedules = 500}));
}

// Step 7: from other threads.

TEST(Step7_Threads, ATaskFromAnotherThreadMayBeCancelledThereAtAnyTime) {  // AIO-22
  const auto scenario = [] {
    EventLoop loop;
    std::jthread other([&] {
      concurrent::Future<int> future = run_coroutine_threadsafe(one_pass(), loop);
      if (future.cancel())
        EXPECT_TRUE(future.cancelled());
      else
        EXPECT_EQ(future.result(), 1);
      loop.call_soon_threadsafe([&] { loop.stop(); });
    });
    loop.run_forever();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step7_Threads, AThreadThatWaitsGetsItsResult) {  // AIO-22
  const auto scenario = [] {
    EventLoop loop;
    std::jthread other([&] {
      EXPECT_EQ(run_coroutine_threadsafe(one_pass(), loop).result(), 1);
      loop.call_soon_threadsafe([&] { loop.stop(); });
    });
    loop.run_forever();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step7_Threads, ACancellationMayMeetTheEndOfTheLoop) {  // AIO-22
  const auto scenario = [] {
    auto loop = quiet_loop();
    concurrent::Future<int> future = run_coroutine_threadsafe(for_ever(loop->create_future()), *loop);
    run_one_pass(*loop);
    run_one_pass(*loop);
    {
      std::jthread other([future]() mutable { EXPECT_TRUE(future.cancel()); });
      loop.reset();
    }
    EXPECT_TRUE(future.cancelled());
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 9: the way that is not guarded.

namespace {

[[maybe_unused]] void a_post_against_the_end() {
  auto bell = std::make_unique<Bell>();
  HastyWeakLoop weak_loop(*bell);
  std::jthread other([&] { weak_loop.post(); });
  weak_loop.close();
  bell.reset();
}

}  // namespace

TEST(Step9_BreakIt, WithoutAnInterruptionThePostRingsOrDoesNot) {
  EXPECT_TRUE(explore::survives(a_post_against_the_end,
                                {.preemptions = 0, .spurious = 0, .search = explore::Search::systematic}));
}

TEST(Step9_BreakIt, AWayThroughAfterTheLookLeadsToWhatHasGone) {
  EXPECT_TRUE(explore::breaks(explore::Failure::use_after_free, a_post_against_the_end));
}
