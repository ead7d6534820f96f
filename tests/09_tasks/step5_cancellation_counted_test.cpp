// Chapter 09, step 5: cancellations that are counted, taken back or come too late.

#include "stack.hpp"
#include "support.hpp"

#include <optional>
#include <utility>
#include <vector>

TEST(Step5_Cancellation, WhatCountsIsHowTheTaskEnds) {  // AIO-45
  VirtualLoop v;
  const auto body = [&]() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      throw std::runtime_error("while it was cancelled");
    }
    co_return 1;
  };
  Task<int> task = v.loop.create_task(body());
  const Task<int> outer = v.loop.create_task(relay(v, "outer", task));
  v.passes(1);
  task.cancel();
  v.passes(2);
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(outcome_of(task), "while it was cancelled");
  EXPECT_EQ(outcome_of(outer), "while it was cancelled");
}

TEST(Step5_Cancellation, WhoAwaitsATaskThatIsCancelledIsCancelledToo) {  // AIO-45
  VirtualLoop v;
  Task<> inner = v.loop.create_task(sleep(1h));
  const auto unmoved = [&]() -> Coro<int> {
    try {
      co_await inner;
    } catch (const CancelledError&) {
      v.note("caught");
    }
    co_return 7;
  };
  const auto moved = [&]() -> Coro<int> {
    co_await inner;
    co_return 7;
  };
  const Task<int> one = v.loop.create_task(unmoved());
  const Task<int> two = v.loop.create_task(moved());
  v.passes(1);
  inner.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, Log{"2 caught"});
  EXPECT_EQ(outcome_of(one), "7");
  EXPECT_TRUE(two.cancelled());
  EXPECT_EQ(two.cancelling(), 0u) << "nobody has asked for that";
}

TEST(Step5_Cancellation, TwoThatAwaitOneFutureAreCancelledTogether) {  // AIO-41
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> one = v.loop.create_task(relay(v, "one", future));
  Task<int> two = v.loop.create_task(relay(v, "two", future));
  v.passes(1);
  two.cancel();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 one cancelled", "1 two cancelled"})) << "the future itself is cancelled";
  EXPECT_EQ(one.cancelling(), 0u);
}

TEST(Step5_Cancellation, AskedTwiceItGetsOneError) {  // AIO-46
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    for (int i = 0; i < 2; ++i) {
      try {
        co_await sleep(1s);
        v.note("slept");
      } catch (const CancelledError&) {
        v.note("caught");
      }
    }
    co_return 7;
  };
  Task<int> task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_EQ(task.cancelling(), 0u);
  EXPECT_TRUE(task.cancel());
  EXPECT_TRUE(task.cancel());
  EXPECT_EQ(task.cancelling(), 2u);
  v.passes(1);
  v.clock.advance(1s);
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 caught", "3 slept"}));
  EXPECT_EQ(outcome_of(task), "7");
}

TEST(Step5_Cancellation, UncancelTakesBackARequest) {  // AIO-46
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_result(7);
  EXPECT_EQ(task.uncancel(), 0u) << "there is none, and never fewer";
  EXPECT_EQ(task.cancelling(), 0u);
  task.cancel();
  task.cancel();
  EXPECT_EQ(task.uncancel(), 1u);
  EXPECT_EQ(task.cancelling(), 1u);
  EXPECT_EQ(task.uncancel(), 0u);
  EXPECT_EQ(task.uncancel(), 0u);
  EXPECT_EQ(task.cancelling(), 0u);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task 7"}) << "what has not arrived yet never does";
}

TEST(Step5_Cancellation, AsLongAsOneRequestIsLeftItArrives) {  // AIO-46
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  future.set_result(7);
  task.cancel();
  task.cancel();
  EXPECT_EQ(task.uncancel(), 1u);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task cancelled"});
  EXPECT_EQ(task.cancelling(), 1u);
}

TEST(Step5_Cancellation, ARequestThatIsLeftDoesNotArriveTwice) {  // AIO-46
  VirtualLoop v;
  std::optional<Task<>> task;
  const auto body = [&]() -> Coro<> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      v.note("caught");
    }
    EXPECT_EQ(task->uncancel(), 1u);
    co_await sleep(0s);
    v.note("goes on");
  };
  task = v.loop.create_task(body());
  v.passes(1);
  task->cancel();
  task->cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 caught", "2 goes on"})) << "one error for both, also if one of them is taken back";
  EXPECT_EQ(outcome_of(*task), "done");
}

TEST(Step5_Cancellation, UncancelMayLetATaskBeginAfterAll) {  // AIO-40, AIO-46
  VirtualLoop v;
  Task<int> task = v.loop.create_task(give(7));
  task.cancel();
  EXPECT_EQ(task.uncancel(), 0u);
  v.passes(1);
  EXPECT_EQ(outcome_of(task), "7");
}

TEST(Step5_Cancellation, UncancelBringsNoCancelledFutureBack) {  // AIO-46
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  task.cancel();
  EXPECT_EQ(task.uncancel(), 0u);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 task cancelled"}) << "it has arrived at the future already";
}

namespace {

/// A clock that jumps, and remembers how long the loop wanted to sleep.
struct Recording final : Selector {
  VirtualTimeSelector clock;
  std::vector<std::optional<Duration>> timeouts;
  void select(std::optional<Duration> timeout) override {
    timeouts.push_back(timeout);
    clock.select(timeout);
  }
  void wake() override { clock.wake(); }
  TimePoint now() override { return clock.now(); }
};

}  // namespace

TEST(Step5_Cancellation, ASleepThatIsCancelledLeavesNoTimer) {  // AIO-38
  auto owned = std::make_unique<Recording>();
  Recording& selector = *owned;
  EventLoop loop(std::move(owned));
  const auto pass = [&] {
    loop.stop();
    loop.run_forever();
  };
  std::vector<Task<>> tasks;
  for (int i = 1; i <= 3; ++i) tasks.push_back(loop.create_task(sleep(i * 1h)));
  pass();
  for (Task<>& task : tasks) task.cancel();
  pass();
  for (const Task<>& task : tasks) EXPECT_TRUE(task.cancelled());
  selector.timeouts.clear();
  loop.call_later(5h, [&] { loop.stop(); });
  loop.run_forever();
  EXPECT_EQ(selector.timeouts, (std::vector<std::optional<Duration>>{5h})) << "nothing wakes the loop before";
}

TEST(Step5_Cancellation, ASleepThatHasANameLeavesNoTimerEither) {  // AIO-38
  auto owned = std::make_unique<Recording>();
  Recording& selector = *owned;
  EventLoop loop(std::move(owned));
  Future<int> future = loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    auto nap = sleep(1h);
    try {
      co_await nap;
    } catch (const CancelledError&) {
    }
    co_return co_await future;  // and the nap is still there
  };
  Task<int> task = loop.create_task(body());
  course::run_passes(loop, 1);
  task.cancel();
  course::run_passes(loop, 1);
  selector.timeouts.clear();
  loop.call_later(5h, [&] { loop.stop(); });
  loop.run_forever();
  EXPECT_EQ(selector.timeouts, (std::vector<std::optional<Duration>>{5h}))
      << "it was given up: no timer is left";
  future.set_result(7);
  course::run_passes(loop, 1);
  EXPECT_EQ(outcome_of(task), "7");
}

TEST(Step5_Cancellation, ASleepThatIsCancelledWhenItIsOverIsCancelled) {  // AIO-38
  VirtualLoop v;
  v.note_reports();
  Task<> task = v.loop.create_task(sleep(1s));
  v.passes(1);
  v.clock.advance(1s);
  v.loop.call_soon([&] { task.cancel(); });  // in the same pass as its timer, and before it
  v.passes(2);
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(v.log, Log()) << "the timer finds its future cancelled, and leaves it so";
}

TEST(Step5_Cancellation, AHundredThousandTasksThatAwaitOneAnotherAreCancelled) {  // AIO-41
  course::on_a_small_stack([] {
    VirtualLoop v;
    Future<int> future = v.loop.create_future<int>();
    const auto link = [](Future<int> inner) -> Coro<int> { co_return co_await inner; };
    Task<int> outermost = v.loop.create_task(link(future));
    for (int i = 1; i < 100'000; ++i) outermost = v.loop.create_task(link(outermost));
    v.passes(1);
    EXPECT_TRUE(outermost.cancel());
    EXPECT_TRUE(future.cancelled());
    EXPECT_EQ(v.passes_until_done(outermost), 100'000);
    EXPECT_TRUE(outermost.cancelled());
  });
}

TEST(Step5_Cancellation, ATaskThatWrapsAFutureHandsItOn) {  // AIO-41, AIO-50
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Task<int> task = v.loop.create_task(future);
  v.passes(1);
  task.cancel();
  EXPECT_TRUE(future.cancelled());
  v.passes(1);
  EXPECT_TRUE(task.cancelled());
}

TEST(Step5_Cancellation, TwoTasksMayCancelEachOther) {  // AIO-39
  VirtualLoop v;
  std::optional<Task<>> one, two;
  const auto body = [&](std::optional<Task<>>& other, const char* name) -> Coro<> {
    v.note(std::string(name) + (other->cancel() ? " asks" : " is refused"));
    co_await sleep(1h);
  };
  one = v.loop.create_task(body(two, "one"));
  two = v.loop.create_task(body(one, "two"));
  v.passes(2);
  EXPECT_EQ(v.log, Log{"0 one asks"}) << "two never begins";
  EXPECT_TRUE(two->cancelled());
  EXPECT_FALSE(one->done());
  one->cancel();
  v.passes(1);
  EXPECT_TRUE(one->cancelled());
}

TEST(Step5_Cancellation, WhatIsDestroyedWithALoopMayCancel) {  // AIO-49
  VirtualLoop v;
  std::optional<Task<>> first, second;
  const auto body = [&](std::optional<Task<>>& own, std::optional<Task<>>& other) -> Coro<> {
    const AtEnd at_end([&] {
      v.note(std::string(own->cancel() ? "cancels itself" : "is done") + ", " +
             (other->cancel() ? "and the other" : "and so is the other"));
    });
    co_await asyncio::get_running_loop().create_future();
  };
  first = v.loop.create_task(body(first, second));
  second = v.loop.create_task(body(second, first));
  const Task<> outer = v.loop.create_task(*second);
  v.passes(1);
  v.loop.close();
  EXPECT_EQ(v.log, (Log{"1 is done, and the other", "1 is done, and so is the other"}));
  EXPECT_TRUE(first->cancelled());
  EXPECT_TRUE(second->cancelled());
  EXPECT_TRUE(outer.cancelled());
  EXPECT_FALSE(second->cancel());
}

TEST(Step5_Cancellation, ATaskThatCancelsItselfMayAwaitOneThatRefuses) {  // AIO-41, AIO-44
  VirtualLoop v;
  const auto refuses = [&]() -> Coro<int> {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      v.note("refused");
    }
    co_return 7;
  };
  Task<int> inner = v.loop.create_task(refuses());
  std::optional<Task<int>> outer;
  const auto body = [&]() -> Coro<int> {
    outer->cancel();
    co_return co_await relay(v, "outer", inner);
  };
  outer = v.loop.create_task(body());
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 refused", "2 outer 7"}))
      << "the request has gone to the inner one, and ends there";
  EXPECT_EQ(outcome_of(*outer), "7");
}

TEST(Step5_Cancellation, ItDoesNotReachWhatTheTaskWasNotAllowedToAwait) {  // AIO-44, AIO-47
  VirtualLoop v, other;
  v.note_reports();
  Future<int> theirs = other.loop.create_future<int>();
  Future<int> ours = v.loop.create_future<int>();
  std::vector<Task<int>> tasks;
  const auto body = [&](std::size_t number, bool itself) -> Coro<int> {
    const Future<int> forbidden = itself ? Future<int>(tasks[number]) : theirs;
    try {
      co_await forbidden;
    } catch (const std::runtime_error&) {
    }
    tasks[number].cancel();
    co_return co_await ours;
  };
  for (const bool itself : {false, true}) tasks.push_back(v.loop.create_task(body(tasks.size(), itself)));
  v.passes(1);
  EXPECT_FALSE(theirs.done()) << "nobody waits for it";
  EXPECT_TRUE(ours.cancelled());
  v.passes(1);
  for (const Task<int>& task : tasks) EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(v.log, Log()) << "a task that was refused itself is no circle";
}

TEST(Step5_Cancellation, ATaskThatYieldsDoesNotAskWhatItHasAwaitedBefore) {  // AIO-39
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    {
      Future<int> first = v.loop.create_future<int>();
      v.loop.call_soon([first]() mutable { first.set_result(1); });
      co_await first;
    }
    co_await sleep(0s);
    v.note("not cancelled");
  };
  Task<> task = v.loop.create_task(body());
  v.passes(3);
  std::vector<Future<int>> others;  // one of them where the first one was
  for (int i = 0; i < 10; ++i) others.push_back(v.loop.create_future<int>());
  EXPECT_TRUE(task.cancel());
  for (const Future<int>& other : others) EXPECT_FALSE(other.done()) << "nobody waits for it";
  v.passes(1);
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(v.log, Log());
}
