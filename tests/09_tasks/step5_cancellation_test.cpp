// Chapter 09, step 5: cancelling a task, and where the request arrives.

#include "support.hpp"

#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

TEST(Step5_Cancellation, ItIsARequestThatArrivesWhereTheTaskWaits) {  // AIO-39
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    try {
      co_await relay(v, "inner", future);
    } catch (const CancelledError&) {
      v.note("outer");
      throw;
    }
    co_return 1;
  };
  Task<int> task = v.loop.create_task(body());
  v.passes(1);
  v.loop.call_soon([&] {
    EXPECT_TRUE(task.cancel());
    EXPECT_FALSE(task.done());
    EXPECT_FALSE(task.cancelled());
    EXPECT_TRUE(future.cancelled());
    v.note("asked");
  });
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 asked", "1 ready", "2 inner cancelled", "2 outer"}));
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(outcome_of(task), "cancelled");
}

TEST(Step5_Cancellation, OfADoneTaskItIsRefused) {  // AIO-39
  VirtualLoop v;
  Task<int> finished = v.loop.create_task(give(7));
  Task<int> cancelled = v.loop.create_task(give(7));
  EXPECT_TRUE(cancelled.cancel());
  v.passes(1);
  EXPECT_FALSE(finished.cancel());
  EXPECT_FALSE(cancelled.cancel());
  EXPECT_EQ(outcome_of(finished), "7");
  EXPECT_EQ(finished.cancelling(), 0u);
  EXPECT_EQ(cancelled.cancelling(), 1u);
}

TEST(Step5_Cancellation, ATaskThatHasNotBegunNeverBegins) {  // AIO-40
  VirtualLoop v;
  std::atomic<int> alive = 0;
  const auto body = [&](Counted counted) -> Coro<int> {
    const AtEnd at_end([&] { v.note("ended"); });
    v.note("begins");
    co_return 1;
  };
  Task<int> task = v.loop.create_task(body(Counted(alive)));
  const Task<int> outer = v.loop.create_task(relay(v, "outer", task));
  task.add_done_callback([&](const Future<int>& done) { v.note("callback " + outcome_of(done)); });
  EXPECT_TRUE(task.cancel());
  EXPECT_FALSE(task.done());
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(alive, 1);
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 outer cancelled", "1 callback cancelled"}));
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(alive, 0);
}

TEST(Step5_Cancellation, ATaskThatYieldsHearsOfItInTheNextPass) {  // AIO-37, AIO-39
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    try {
      co_await sleep(0s);
      v.note("not cancelled");
    } catch (const CancelledError&) {
      v.note("cancelled");
      throw;
    }
  };
  Task<> task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_TRUE(task.cancel());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 cancelled"});
  EXPECT_TRUE(task.cancelled());
}

TEST(Step5_Cancellation, ItReachesTheInnermostFutureAndComesOutOnePassATask) {  // AIO-41
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> inner = v.loop.create_task(relay(v, "inner", future));
  Task<int> middle = v.loop.create_task(relay(v, "middle", inner));
  Task<int> outer = v.loop.create_task(relay(v, "outer", middle));
  v.passes(1);
  EXPECT_TRUE(outer.cancel());
  EXPECT_TRUE(future.cancelled());
  EXPECT_FALSE(inner.done());
  EXPECT_EQ(outer.cancelling(), 1u);
  EXPECT_EQ(middle.cancelling(), 1u);
  EXPECT_EQ(inner.cancelling(), 1u);
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 inner cancelled", "2 middle cancelled", "3 outer cancelled"}));
  EXPECT_TRUE(inner.cancelled());
  EXPECT_TRUE(middle.cancelled());
  EXPECT_TRUE(outer.cancelled());
}

TEST(Step5_Cancellation, AnInnerTaskMayRefuseAndTheOuterOnesNeverHear) {  // AIO-41, AIO-43
  VirtualLoop v;
  const auto inner = [&]() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      v.note("refused");
    }
    co_return 7;
  };
  Task<int> outer = v.loop.create_task(relay(v, "outer", v.loop.create_task(inner())));
  v.passes(1);
  EXPECT_TRUE(outer.cancel());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 refused", "2 outer 7"}));
  EXPECT_EQ(outcome_of(outer), "7");
  EXPECT_EQ(outer.cancelling(), 1u);
}

TEST(Step5_Cancellation, AnInnerTaskThatHasNotBegunNeverBegins) {  // AIO-40, AIO-41
  VirtualLoop v;
  const auto inner = [&]() -> Coro<int> {
    v.note("inner begins");
    co_return 1;
  };
  const auto outer = [&]() -> Coro<int> { co_return co_await create_task(inner()); };
  Task<int> task = v.loop.create_task(outer());
  v.passes(1);
  EXPECT_TRUE(task.cancel());
  v.passes(2);
  EXPECT_EQ(v.log, Log());
  EXPECT_TRUE(task.cancelled());
}

TEST(Step5_Cancellation, ItWinsOverAResultThatIsThereAlready) {  // AIO-42
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_result(7);
  EXPECT_TRUE(task.cancel());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task cancelled"});
  EXPECT_TRUE(task.cancelled());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(future.result(), 7);
}

TEST(Step5_Cancellation, ItWinsOverATaskThatHasEndedAndASleepThatIsOver) {  // AIO-42
  VirtualLoop v;
  const auto naps = [&]() -> Coro<int> {
    co_await sleep(1s);
    v.note("slept");
    co_return 1;
  };
  const auto awaits = [&]() -> Coro<int> {
    const int number = co_await create_task(give(7));
    v.note("got " + std::to_string(number));
    co_return number;
  };
  Task<int> sleeps = v.loop.create_task(naps());
  Task<int> outer = v.loop.create_task(awaits());
  v.passes(1);
  v.clock.advance(1s);
  v.passes(1);  // the timer runs, and the inner task ends
  EXPECT_TRUE(sleeps.cancel());
  EXPECT_TRUE(outer.cancel());
  v.passes(1);
  EXPECT_EQ(v.log, Log());
  EXPECT_TRUE(sleeps.cancelled());
  EXPECT_TRUE(outer.cancelled());
}

TEST(Step5_Cancellation, ACallbackThatRunsJustBeforeTheTaskIsInTime) {  // AIO-42
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  std::optional<Task<int>> task;
  future.add_done_callback([&](const Future<int>&) { v.note(task->cancel() ? "in time" : "too late"); });
  task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_exception(std::runtime_error("no"));
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 in time", "1 task cancelled"}));
  EXPECT_EQ(what(future.exception()), "no");
}

TEST(Step5_Cancellation, WhoCatchesItMayGoOn) {  // AIO-43
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    for (int i = 0; i < 2; ++i) {
      try {
        co_await sleep(1h);
      } catch (const CancelledError&) {
        v.note("caught");
      }
    }
    co_return co_await future;
  };
  Task<int> task = v.loop.create_task(body());
  v.passes(1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(task.cancel());
    v.passes(1);
  }
  EXPECT_EQ(v.log, (Log{"1 caught", "2 caught"}));
  EXPECT_FALSE(task.done());
  future.set_result(7);
  v.passes(1);
  EXPECT_EQ(outcome_of(task), "7");
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(task.cancelling(), 2u);
}

TEST(Step5_Cancellation, WhoCatchesItMayCleanUpAndTakeItsTime) {  // AIO-43
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    std::exception_ptr error;
    try {
      co_await sleep(1h);
    } catch (...) {
      error = std::current_exception();
    }
    v.note("cleans up");
    co_await sleep(0s);
    v.note("is clean");
    if (error) std::rethrow_exception(error);
  };
  Task<> task = v.loop.create_task(body());
  v.passes(1);
  task.cancel();
  v.passes(1);
  EXPECT_FALSE(task.done());
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 cleans up", "2 is clean"}));
  EXPECT_TRUE(task.cancelled());
}

TEST(Step5_Cancellation, ATaskThatCancelsItselfGetsItAtItsNextAwait) {  // AIO-44
  VirtualLoop v;
  Future<int> done = v.loop.create_future<int>();
  done.set_result(1);
  Future<int> pending = v.loop.create_future<int>();
  std::optional<Task<>> task;
  const auto body = [&]() -> Coro<> {
    EXPECT_TRUE(task->cancel());
    co_await done;
    v.note("needs no wait");
    co_await relay(v, "task", pending);
  };
  task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_FALSE(task->done());
  EXPECT_TRUE(pending.cancelled()) << "the await tells the future";
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 needs no wait", "1 task cancelled"}));
  EXPECT_TRUE(task->cancelled());
}

TEST(Step5_Cancellation, ATaskThatCancelsItselfCannotSleepOrAwaitATask) {  // AIO-44
  VirtualLoop v;
  std::vector<Task<>> tasks;
  Future<int> future = v.loop.create_future<int>();
  Task<int> inner = v.loop.create_task(relay(v, "inner", future));
  const auto sleeps = [&](std::size_t number, Duration delay) -> Coro<> {
    tasks[number].cancel();
    co_await sleep(delay);
    v.note("has slept");
  };
  const auto awaits = [&](std::size_t number) -> Coro<> {
    tasks[number].cancel();
    co_await relay(v, "outer", inner);
  };
  tasks.push_back(v.loop.create_task(sleeps(0, 0s)));
  tasks.push_back(v.loop.create_task(sleeps(1, 1h)));
  tasks.push_back(v.loop.create_task(awaits(2)));
  v.passes(2);
  EXPECT_TRUE(tasks[0].cancelled());
  EXPECT_TRUE(tasks[1].cancelled());
  EXPECT_FALSE(tasks[2].done());
  v.passes(1);
  EXPECT_TRUE(tasks[2].cancelled());
  EXPECT_EQ(v.log, (Log{"1 inner cancelled", "2 outer cancelled"}));
}

TEST(Step5_Cancellation, ATaskThatCancelsItselfAtTheEndIsCancelled) {  // AIO-44
  VirtualLoop v;
  std::atomic<int> alive = 0;
  std::optional<Task<Counted>> returns;
  std::optional<Task<>> nothing;
  std::optional<Task<int>> throws;
  const auto value = [&]() -> Coro<Counted> {
    returns->cancel();
    co_return Counted(alive);
  };
  const auto none = [&]() -> Coro<> {
    nothing->cancel();
    co_return;
  };
  const auto error = [&]() -> Coro<int> {
    throws->cancel();
    co_return co_await fail("no");
  };
  returns = v.loop.create_task(value());
  nothing = v.loop.create_task(none());
  throws = v.loop.create_task(error());
  v.passes(1);
  EXPECT_TRUE(returns->cancelled());
  EXPECT_EQ(alive, 0) << "the value is lost";
  EXPECT_TRUE(nothing->cancelled());
  EXPECT_FALSE(throws->cancelled());
  EXPECT_EQ(outcome_of(*throws), "no") << "and an exception is not";
}
