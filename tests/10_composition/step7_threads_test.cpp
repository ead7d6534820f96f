// Chapter 10, step 7: coroutines that other threads start.

#include "awkward_results.hpp"
#include "bridge.hpp"
#include "gather.hpp"
#include "real_loop.hpp"
#include "support.hpp"
#include "thread_name.hpp"

#include <cstddef>
#include <functional>
#include <latch>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

using asyncio::gather;
using asyncio::run_coroutine_threadsafe;
using asyncio::to_thread;
using asyncio::wrap_future;

namespace {

/// A loop that runs on another thread.
class LoopThread {
 public:
  LoopThread()
      : loop_(asyncio::new_event_loop()), thread_([this] {
          listen(*loop_, reports_);
          loop_->run_forever();
        }) {}
  ~LoopThread() { stop(); }

  /// Until here it runs; then it may be closed.
  void stop() {
    if (!thread_.joinable()) return;
    loop_->call_soon_threadsafe([&loop = *loop_] { loop.stop(); });
    thread_.join();
  }
  EventLoop& loop() { return *loop_; }
  void destroy() {
    stop();
    loop_.reset();
  }
  const Log& reports() const { return reports_; }

 private:
  Log reports_;
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

}  // namespace

TEST(Step7_Threads, ACoroutineRunsInTheLoopForAnotherThread) {  // AIO-22
  LoopThread other;
  EXPECT_EQ(run_coroutine_threadsafe(after(1ms, 7), other.loop()).result(), 7);
  const auto where = []() -> Coro<std::thread::id> {
    EXPECT_TRUE(current_task());
    co_return std::this_thread::get_id();
  };
  EXPECT_NE(run_coroutine_threadsafe(where(), other.loop()).result(), std::this_thread::get_id());
  run_coroutine_threadsafe(passes(2), other.loop()).result();
  EXPECT_EQ(*run_coroutine_threadsafe(after(0s, std::make_unique<int>(4)), other.loop()).result(), 4);
  EXPECT_EQ(&run_coroutine_threadsafe(reference_after(0s), other.loop()).result(), &shared_number);
  EXPECT_EQ(run_coroutine_threadsafe(after(0s, std::string("text")), other.loop()).result(), "text");
}

TEST(Step7_Threads, WhatItThrowsComesThere) {  // AIO-22
  LoopThread other;
  const auto future = run_coroutine_threadsafe(fail_after(1ms, "it failed"), other.loop());
  EXPECT_EQ(what(future.exception()), "it failed");
  EXPECT_EQ(error_of([&] { future.result(); }), "it failed");
  other.stop();
  EXPECT_EQ(other.reports(), Log()) << "it has been looked at";
}

TEST(Step7_Threads, TheThreadMayGiveUpWaiting) {  // AIO-22
  std::atomic<int> alive = 0;
  LoopThread other;
  auto future = run_coroutine_threadsafe(alive_for(alive, 1h), other.loop());
  EXPECT_THROW(future.result(1ms), TimeoutError);
  EXPECT_FALSE(future.done());
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.cancelled());
  // What was posted before is done when this is.
  run_coroutine_threadsafe(passes(3), other.loop()).result();
  EXPECT_EQ(alive, 0);
}

TEST(Step7_Threads, ToCancelItCancelsTheTask) {  // AIO-22
  LoopThread other;
  Log log;
  std::latch begun(1);
  const auto waits = [&]() -> Coro<> {
    begun.count_down();
    co_await logs(log, "it", 1h);
  };
  auto future = run_coroutine_threadsafe(waits(), other.loop());
  begun.wait();
  EXPECT_TRUE(future.cancel());
  run_coroutine_threadsafe(passes(3), other.loop()).result();
  EXPECT_EQ(log, (Log{"it begins", "it is cancelled"}));
  EXPECT_TRUE(future.cancelled());
  EXPECT_TRUE(future.cancel()) << "it is cancelled already";
  // A task that refuses to go, and one that fails when it is to: nobody is told any more.
  auto refusing = run_coroutine_threadsafe(refuses(7), other.loop());
  auto failing = run_coroutine_threadsafe(fails_to_go("too late"), other.loop());
  run_coroutine_threadsafe(passes(1), other.loop()).result();
  EXPECT_TRUE(refusing.cancel());
  EXPECT_TRUE(failing.cancel());
  run_coroutine_threadsafe(passes(4), other.loop()).result();
  EXPECT_TRUE(refusing.cancelled());
  EXPECT_TRUE(failing.cancelled());
  other.stop();
  EXPECT_EQ(other.reports(), (Log{"Task exception was never retrieved too late"}));
}

TEST(Step7_Threads, AsInPythonATaskThatWasCancelledTooEarlyBeginsAndIsCancelled) {  // AIO-22
  in_loop([]() -> Coro<> {
    Log log;
    const auto runs = [&]() -> Coro<> {
      log.push_back("begins");
      co_await passes(3);
      log.push_back("ends");
    };
    auto future = run_coroutine_threadsafe(runs(), get_running_loop());
    EXPECT_TRUE(future.cancel());
    co_await passes(6);
    EXPECT_EQ(log, (Log{"begins"}));
  });
}

TEST(Step7_Threads, ATaskThatIsCancelledCancelsTheFuture) {  // AIO-22
  LoopThread other;
  std::optional<asyncio::AnyTask> task;
  std::latch begun(1);
  const auto waits = [&]() -> Coro<int> {
    task = current_task();
    begun.count_down();
    co_await sleep(1h);
    co_return 1;
  };
  auto future = run_coroutine_threadsafe(waits(), other.loop());
  begun.wait();
  other.loop().call_soon_threadsafe([&] {
    task->cancel();
    task.reset();
  });
  EXPECT_THROW(future.result(), concurrent::CancelledError);
  EXPECT_TRUE(future.cancelled());
  const auto throws = []() -> Coro<> {
    co_await passes(1);
    throw CancelledError();
  };
  EXPECT_THROW(run_coroutine_threadsafe(throws(), other.loop()).result(), concurrent::CancelledError);
}

TEST(Step7_Threads, ALoopThatIsClosedRefusesIt) {  // AIO-22
  std::atomic<int> alive = 0;
  EventLoop loop;
  loop.close();
  const auto counts = [](Counted) -> Coro<> { co_return; };
  EXPECT_EQ(error_of([&] { run_coroutine_threadsafe(counts(Counted(alive)), loop); }),
            "Event loop is closed");
  EXPECT_EQ(alive, 0);
  LoopThread other;
  EXPECT_EQ(run_coroutine_threadsafe(after(0s, 1), other.loop()).result(), 1);
}

TEST(Step7_Threads, ALoopThatGoesBeforeTheEndCancelsIt) {  // AIO-22
  const NoCallbackErrors no_errors;
  for (const bool close : {true, false}) {
    std::atomic<int> alive = 0;
    LoopThread other;
    auto running = run_coroutine_threadsafe(alive_for(alive, 1h), other.loop());
    run_coroutine_threadsafe(passes(2), other.loop()).result();
    EXPECT_EQ(alive, 1);
    int told = 0;
    running.add_done_callback([&](const auto&) { ++told; });
    other.stop();
    const auto counts = [](std::shared_ptr<Counted>) -> Coro<> { co_return; };
    auto not_begun = run_coroutine_threadsafe(counts(std::make_shared<Counted>(alive)), other.loop());
    EXPECT_FALSE(running.done() || not_begun.done());
    close ? other.loop().close() : other.destroy();
    EXPECT_TRUE(running.cancelled());
    EXPECT_TRUE(not_begun.cancelled());
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(told, 1);
  }
}

TEST(Step7_Threads, AFutureThatIsCancelledWhenTheLoopHasGoneIsNobodysConcern) {  // AIO-22
  const NoCallbackErrors no_errors;
  LoopThread other;
  auto future = run_coroutine_threadsafe(after(0s, 1), other.loop());
  EXPECT_EQ(future.result(), 1);
  auto pending = run_coroutine_threadsafe(after(1h, 1), other.loop());
  run_coroutine_threadsafe(passes(1), other.loop()).result();
  other.destroy();
  EXPECT_FALSE(future.cancel());
  EXPECT_TRUE(pending.cancel());
  EXPECT_EQ(future.result(), 1);
}

TEST(Step7_Threads, NothingIsKeptOfWhatIsDone) {  // AIO-22
  std::atomic<int> alive = 0;
  LoopThread other;
  {
    const auto future = run_coroutine_threadsafe(after(0s, std::make_shared<Counted>(alive)), other.loop());
    EXPECT_EQ(future.result().use_count() > 0 ? alive.load() : 0, 1);
  }
  run_coroutine_threadsafe(passes(2), other.loop()).result();
  EXPECT_EQ(alive, 0);
}

TEST(Step7_Threads, ManyThreadsAtOnce) {  // AIO-22
  LoopThread other;
  std::atomic<int> sum = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 100; ++i) {
          auto future = run_coroutine_threadsafe(after(Duration(i % 3), 1), other.loop());
          if ((i + thread) % 10 == 0)
            future.cancel();
          else
            sum += future.result();
        }
      });
  }
  EXPECT_EQ(sum, 4 * 90);
  run_coroutine_threadsafe(passes(3), other.loop()).result();
  const auto left = []() -> Coro<std::size_t> { co_return all_tasks().size(); };
  EXPECT_EQ(run_coroutine_threadsafe(left(), other.loop()).result(), 1u);
}

TEST(Step7_Threads, ThereAndBack) {  // AIO-22
  in_real_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    const auto asks_the_loop = [&](int number) {
      return run_coroutine_threadsafe(after(1ms, number), loop).result() + 1;
    };
    const auto [a, b] = co_await gather(to_thread(asks_the_loop, 1), to_thread(asks_the_loop, 10));
    EXPECT_EQ(a, 2);
    EXPECT_EQ(b, 11);
    // The futures of another loop's tasks are futures of a thread here.
    LoopThread other;
    Future<int> there = wrap_future(run_coroutine_threadsafe(after(1ms, 7), other.loop()));
    const int number = co_await there;
    EXPECT_EQ(number, 7);
    Log log;
    std::latch begun(1);
    const auto waits = [&]() -> Coro<> {
      begun.count_down();
      co_await logs(log, "it", 1h);
    };
    auto future = run_coroutine_threadsafe(waits(), other.loop());
    begun.wait();
    wrap_future(future).cancel();
    co_await passes(2);
    EXPECT_TRUE(future.cancelled());
    run_coroutine_threadsafe(passes(3), other.loop()).result();
    EXPECT_EQ(log, (Log{"it begins", "it is cancelled"})) << "from loop to loop";
  });
}

TEST(Step7_Threads, AResultThatCannotBeCopiedIsTheErrorOfTheFuture) {  // AIO-22
  in_real_loop([]() -> Coro<> {
    EventLoop& loop = get_running_loop();
    std::vector<asyncio::AnyTask>
        kept;  // so that the task keeps its result, and the other thread gets a copy
    const auto at_once = [&kept]() -> Coro<NoCopies> {
      kept.push_back(*current_task());
      co_return NoCopies();
    };
    concurrent::Future<NoCopies> future = run_coroutine_threadsafe(at_once(), loop);
    const Future<NoCopies> wrapped = wrap_future(future, loop);
    const std::string error = co_await error_of(wrapped);
    EXPECT_EQ(error, "no copies");
    EXPECT_EQ(future.state(), concurrent::FutureState::finished);
  });
}

TEST(Step7_Threads, AResultThatNobodyElseHasIsMoved) {  // AIO-22
  LoopThread other;
  const auto gives = []() -> Coro<NoCopies> {
    co_await passes(1);
    co_return NoCopies();
  };
  const auto future = run_coroutine_threadsafe(gives(), other.loop());
  EXPECT_EQ(what(future.exception()), "nothing") << "a handle of the task was left, so it was copied";
}

TEST(Step7_Threads, TheErrorOfACancelledCallIsTranslated) {  // AIO-22
  LoopThread other;
  const auto throws = []() -> Coro<> {
    co_await passes(1);
    throw concurrent::CancelledError();
  };
  const auto future = run_coroutine_threadsafe(throws(), other.loop());
  EXPECT_THROW(future.result(), asyncio::CancelledError) << "as wrap_future() does";
  EXPECT_FALSE(future.cancelled()) << "the task has failed, and nobody has cancelled it";
}

TEST(Step7_Threads, ACancellationThatFindsTheTaskFailedHasNotLookedAtItsError) {  // AIO-22
  Log reports;
  in_loop(reports, []() -> Coro<> {
    Future<> begins = get_running_loop().create_future();
    const auto fails = [](Future<> begins) -> Coro<> {
      co_await begins;
      throw std::logic_error("too late");
    };
    auto future = run_coroutine_threadsafe(fails(begins), get_running_loop());
    co_await passes(3);
    // In the next pass the task fails, and behind it comes the request.
    begins.set_result();
    EXPECT_TRUE(future.cancel());
    co_await passes(4);
    EXPECT_TRUE(future.cancelled());
  });
  EXPECT_EQ(reports, (Log{"Task exception was never retrieved too late"}));
}
