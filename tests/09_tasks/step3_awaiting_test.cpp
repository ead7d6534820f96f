// Chapter 09, step 3: tasks that await futures, and one another.

#include "stack.hpp"
#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>
#include <vector>

TEST(Step3_Awaiting, ATaskGoesOnInTheLoopAndNotInsideSetResult) {  // AIO-26, AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> task = v.loop.create_task(relay(v, "task", future));
  v.passes(1);
  v.loop.call_soon([&] {
    future.set_result(7);
    v.note("set");
  });
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 set", "1 ready", "2 task 7"}));
  EXPECT_EQ(outcome_of(task), "7");
}

TEST(Step3_Awaiting, TasksAndCallbacksGoOnInTheOrderInWhichTheyCame) {  // AIO-26, AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto callback = [&](const char* name) {
    future.add_done_callback([&v, name](const Future<int>&) { v.note(name); });
  };
  callback("a");
  const Task<int> first = v.loop.create_task(relay(v, "b", future));
  v.passes(1);
  callback("c");
  const Task<int> second = v.loop.create_task(relay(v, "d", future));
  v.passes(1);
  callback("e");
  future.set_result(7);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"2 a", "2 b 7", "2 c", "2 d 7", "2 e"}));
}

TEST(Step3_Awaiting, AThousandTasksAwaitOneFuture) {  // AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  std::vector<int> order;
  const auto body = [](Future<int>& future, std::vector<int>& order, int number) -> Coro<> {
    co_await future;
    order.push_back(number);
  };
  for (int i = 0; i < 1'000; ++i) v.loop.create_task(body(future, order, i));
  v.passes(1);
  EXPECT_EQ(order.size(), 0u);
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(order.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Step3_Awaiting, AFutureMayBeAwaitedAgainAndAgain) {  // AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto body = [&]() -> Coro<int> {
    int sum = 0;
    for (int i = 0; i < 1'000; ++i) sum += co_await future;
    co_return sum;
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(1);
  future.set_result(2);
  EXPECT_EQ(v.passes_until_done(task), 1) << "once it is done, it takes no pass";
  EXPECT_EQ(outcome_of(task), "2000");
}

TEST(Step3_Awaiting, AnExceptionArrivesAtEachWhoAwaitsIt) {  // AIO-28
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> one = v.loop.create_task(relay(v, "one", future));
  const Task<int> two = v.loop.create_task(relay(v, "two", future));
  const auto recovers = [&]() -> Coro<int> {
    try {
      co_await relay(v, "three", future);
    } catch (const std::runtime_error&) {
    }
    co_return 3;
  };
  const Task<int> three = v.loop.create_task(recovers());
  v.passes(1);
  future.set_exception(std::runtime_error("no"));
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 one no", "1 two no", "1 three no"}));
  EXPECT_EQ(outcome_of(one), "no");
  EXPECT_EQ(outcome_of(two), "no");
  EXPECT_EQ(outcome_of(three), "3");
}

TEST(Step3_Awaiting, ToAwaitACoroutineIsACall) {  // AIO-34
  VirtualLoop v;
  const auto inner = [&](int number) -> Coro<int> {
    v.note("inner");
    if (number == 3) throw std::runtime_error("no");
    co_return number;
  };
  const auto outer = [&]() -> Coro<int> {
    const int sum = co_await inner(1) + co_await inner(2);
    v.note("outer");
    co_return sum + co_await inner(3);
  };
  const Task<int> task = v.loop.create_task(outer());
  v.loop.call_soon([&] { v.note("ready"); });
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 inner", "0 inner", "0 outer", "0 inner", "0 ready"}));
  EXPECT_EQ(outcome_of(task), "no");
}

TEST(Step3_Awaiting, TheInnermostCoroutineGoesOnAndThenThoseAroundIt) {  // AIO-34
  VirtualLoop v;
  Future<int> first = v.loop.create_future<int>();
  Future<int> second = v.loop.create_future<int>();
  const auto middle = [&]() -> Coro<int> {
    const int one = co_await relay(v, "inner", first);
    v.note("middle");
    co_return one + co_await relay(v, "inner", second);
  };
  const auto outer = [&]() -> Coro<int> {
    const int number = co_await middle();
    v.note("outer");
    co_return number + co_await second;
  };
  const Task<int> task = v.loop.create_task(outer());
  v.passes(1);
  first.set_result(1);
  v.passes(1);
  second.set_result(2);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 inner 1", "1 middle", "2 inner 2", "2 outer"}));
  EXPECT_EQ(outcome_of(task), "5");
}

TEST(Step3_Awaiting, ADeepCoroutineWaitsAndGoesOnOnConstantStack) {  // AIO-34
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  struct Deep {
    static Coro<int> dive(Future<int>& future, int levels) {
      if (levels == 0) co_return co_await future;
      co_return co_await dive(future, levels - 1) + 1;
    }
  };
  const int levels = course::levels(100'000);
  const Task<int> task = v.loop.create_task(Deep::dive(future, levels));
  v.passes(1);
  future.set_result(7);
  v.passes(1);
  EXPECT_EQ(outcome_of(task), std::to_string(levels + 7));
}

TEST(Step3_Awaiting, ATaskThatAwaitsAnotherGoesOnOnePassAfterItsEnd) {  // AIO-36
  VirtualLoop v;
  const auto inner = [&]() -> Coro<int> {
    v.note("inner");
    co_return 7;
  };
  const auto outer = [&]() -> Coro<> {
    v.note("outer begins");
    const int number = co_await create_task(inner());
    v.note("outer " + std::to_string(number));
  };
  v.loop.create_task(outer());
  v.passes(4);
  EXPECT_EQ(v.log, (Log{"0 outer begins", "1 inner", "2 outer 7"}));
}

TEST(Step3_Awaiting, AChainOfTasksTakesAPassEach) {  // AIO-36
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> inner = v.loop.create_task(relay(v, "inner", future));
  const Task<int> outer = v.loop.create_task(relay(v, "outer", inner));
  const Task<int> outermost = v.loop.create_task(relay(v, "outermost", outer));
  v.passes(1);
  future.set_result(7);
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 inner 7", "2 outer 7", "3 outermost 7"}));
}

TEST(Step3_Awaiting, AHundredThousandTasksAwaitOneAnother) {  // AIO-36
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto link = [](Future<int> inner) -> Coro<int> { co_return co_await inner + 1; };
  Future<int> outermost = future;
  for (int i = 0; i < 100'000; ++i) outermost = v.loop.create_task(link(outermost));
  v.passes(1);
  future.set_result(0);
  EXPECT_EQ(v.passes_until_done(outermost), 100'000);
  EXPECT_EQ(outcome_of(outermost), "100000");
}

TEST(Step3_Awaiting, AnLvalueGivesAReferenceAndAnRvalueTheValue) {
  VirtualLoop v;
  const auto make = []() -> Coro<Copies> { co_return Copies(); };
  const auto body = [&]() -> Coro<> {
    Task<Copies> task = create_task(make());
    const Copies& kept = co_await task;
    EXPECT_EQ(&kept, &task.result());
    const Task<Copies> other = task;
    Copies copied = co_await std::move(task);
    EXPECT_EQ(copied.copies, 1) << "the other handle wants it too";
    Copies moved = co_await create_task(make());
    EXPECT_EQ(moved.copies, 0) << "it was the last handle";
    v.note("ended");
  };
  v.loop.create_task(body());
  v.passes(5);
  EXPECT_EQ(v.log, Log{"4 ended"});
}

TEST(Step3_Awaiting, WhatCannotBeCopiedIsMovedOut) {
  VirtualLoop v;
  Future<Ticket> future = v.loop.create_future<Ticket>();
  int target = 0;
  Future<int&> reference = v.loop.create_future<int&>();
  Future<> nothing = v.loop.create_future();
  const auto body = [&]() -> Coro<> {
    const Ticket& look = co_await future;
    EXPECT_EQ(*look.number, 4);
    const Ticket ticket = co_await std::move(future);
    EXPECT_EQ(*ticket.number, 4);
    (co_await reference) = 5;
    int& same = co_await std::move(reference);
    EXPECT_EQ(&same, &target);
    co_await nothing;
    co_await std::move(nothing);
    v.note("ended");
  };
  v.loop.create_task(body());
  v.passes(1);
  Future<Ticket>(future).set_result(4);
  Future<int&>(reference).set_result(target);
  Future<>(nothing).set_result();
  v.passes(3);
  EXPECT_EQ(target, 5);
  EXPECT_EQ(v.log, Log{"1 ended"});
}

TEST(Step3_Awaiting, WhoAwaitsKeepsTheFuture) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  std::optional<Future<Counted>> future = v.loop.create_future<Counted>();
  const auto body = [&]() -> Coro<> {
    co_await *future;
    v.note("ends");
  };
  v.loop.create_task(body());
  v.passes(1);
  future->set_result(alive);
  future.reset();
  EXPECT_EQ(alive, 1);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 ends"});
  EXPECT_EQ(alive, 0);
}

TEST(Step3_Awaiting, AFutureThatSomebodyElseHasCancelledCancelsTheTask) {  // AIO-45
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const Task<int> inner = v.loop.create_task(relay(v, "inner", future));
  const Task<int> outer = v.loop.create_task(relay(v, "outer", inner));
  v.passes(1);
  future.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 inner cancelled", "2 outer cancelled"}));
  EXPECT_TRUE(inner.cancelled());
  EXPECT_TRUE(outer.cancelled());
  EXPECT_EQ(outer.cancelling(), 0u) << "nobody has asked for that";
}

TEST(Step3_Awaiting, ACancelledErrorMayBeCaughtAndMayBeThrown) {  // AIO-30, AIO-43, AIO-45
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto catches = [&]() -> Coro<int> {
    try {
      try {
        co_return co_await future;
      } catch (const std::exception&) {
        v.note("caught as a std::exception");
      }
    } catch (const CancelledError&) {
    }
    co_return 3;
  };
  const auto throws = []() -> Coro<int> {
    throw CancelledError();
    co_return 0;
  };
  const Task<int> caught = v.loop.create_task(catches());
  const Task<int> thrown = v.loop.create_task(throws());
  v.passes(1);
  EXPECT_EQ(outcome_of(thrown), "cancelled");
  EXPECT_TRUE(thrown.cancelled());
  future.cancel();
  v.passes(1);
  EXPECT_EQ(v.log, Log());
  EXPECT_EQ(outcome_of(caught), "3");
  EXPECT_FALSE(caught.cancelled());
}
