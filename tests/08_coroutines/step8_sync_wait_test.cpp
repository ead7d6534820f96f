// Chapter 08, step 8: from functions to coroutines.

#include "awaitables.hpp"
#include "support.hpp"

#include <concepts>
#include <memory>
#include <type_traits>

TEST(Step8_SyncWait, AHappeningThatWasSetIsNotWaitedFor) {
  for (int i = 0; i < 2; ++i) EXPECT_EQ(sync_wait(number(i)), i) << "it has ended before anybody waits";
}

TEST(Step8_SyncWait, AHappeningIsWaitedFor) {
  Signal signal;
  std::atomic<bool> passed = false;
  std::jthread waits([&] {
    EXPECT_EQ(sync_wait(signal), 5);
    passed = true;
  });
  course::wait_until_others_block();
  EXPECT_FALSE(passed);
  signal.send(5);
  waits.join();
  EXPECT_TRUE(passed);
}

TEST(Step8_SyncWait, ItGivesTheResult) {
  const auto owner = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
  const auto nothing = []() -> Coro<> { co_return; };
  EXPECT_EQ(sync_wait(number(3)), 3);
  EXPECT_EQ(*sync_wait(owner()), 4);
  static_assert(std::is_void_v<decltype(sync_wait(nothing()))>);
  sync_wait(nothing());
}

TEST(Step8_SyncWait, AReferenceIsToTheThingItself) {
  int number = 1;
  const auto reference = [&]() -> Coro<int&> { co_return number; };
  const auto constant = [&]() -> Coro<const int&> { co_return number; };
  static_assert(std::same_as<decltype(sync_wait(constant())), const int&>);
  sync_wait(reference()) = 7;
  EXPECT_EQ(number, 7);
  EXPECT_EQ(&sync_wait(constant()), &number);
}

TEST(Step8_SyncWait, TheResultIsNeverCopied) {
  struct Makes {
    static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    static Traced await_resume() { return Traced(1); }
  };
  const Traced value = sync_wait(Makes());
  EXPECT_EQ(value.number, 1);
  EXPECT_EQ(value.copies, 0);
}

TEST(Step8_SyncWait, AnExceptionIsThrown) {
  EXPECT_EQ(error_of([] { sync_wait(refusing("no")); }), "no");
  EXPECT_EQ(error_of([] { sync_wait(failing(5)); }), "0");
  struct Fails {
    static bool await_ready() { throw std::runtime_error("not ready"); }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    static void await_resume() noexcept {}
  };
  EXPECT_EQ(error_of([] { sync_wait(Fails()); }), "not ready") << "whatever of the awaiter throws it";
}

TEST(Step8_SyncWait, ItRunsHereAndAllIsOverBehindIt) {
  Log log;
  std::atomic<int> alive = 0;
  const auto body = [&](Counted, std::thread::id caller) -> Coro<int> {
    const LogsEnd local(log, "local");
    EXPECT_EQ(std::this_thread::get_id(), caller);
    co_return 3;
  };
  Coro<int> coro = body(Counted(alive), std::this_thread::get_id());
  EXPECT_EQ(log, Log());
  EXPECT_EQ(sync_wait(std::move(coro)), 3);
  EXPECT_EQ(log, Log{"~local"});
  EXPECT_EQ(alive, 0) << "the frame is gone";
  EXPECT_FALSE(coro.handle());
  sync_wait(number(1));
  const std::size_t before = in_use();
  for (int i = 0; i < 10; ++i) sync_wait(number(i));
  EXPECT_EQ(in_use(), before) << "and so is that of the coroutine that has waited";
}

TEST(Step8_SyncWait, WhatWasAwaitedIsRefused) {
  Coro<int> coro = number(1);
  EXPECT_EQ(sync_wait(std::move(coro)), 1);
  EXPECT_EQ(error_of([&] { sync_wait(std::move(coro)); }), "cannot reuse already awaited coroutine");
}

TEST(Step8_SyncWait, ItWaitsForWhateverCanBeAwaited) {
  static_assert(!asyncio::Awaitable<int>);
  EXPECT_EQ(sync_wait(Ready()), 7);
  EXPECT_EQ(sync_wait(Doubled(4)), 8);
  InPlace lvalue;
  EXPECT_TRUE(sync_wait(lvalue));
  EXPECT_TRUE(sync_wait(InPlace()));
  Worker worker;
  EXPECT_NE(sync_wait(worker), std::this_thread::get_id());
}

TEST(Step8_SyncWait, AnLvalueIsAwaitedAsAnLvalue) {
  struct Knows {
    struct Awaiter {
      std::string text;
      static bool await_ready() noexcept { return true; }
      static void await_suspend(std::coroutine_handle<>) noexcept {}
      std::string await_resume() { return text; }
    };
    Awaiter operator co_await() & { return {"an lvalue"}; }
    Awaiter operator co_await() const& { return {"a constant"}; }
    Awaiter operator co_await() && { return {"an rvalue"}; }
  };
  Knows knows;
  EXPECT_EQ(sync_wait(knows), "an lvalue");
  EXPECT_EQ(sync_wait(std::as_const(knows)), "a constant");
  EXPECT_EQ(sync_wait(std::move(knows)), "an rvalue");
  EXPECT_EQ(sync_wait(Knows()), "an rvalue");
}

TEST(Step8_SyncWait, ItWaitsUntilAnotherThreadHasEndedIt) {
  std::atomic<int> alive = 0;
  Signal signal;
  std::atomic<int> result = 0;
  const auto body = [&](Counted) -> Coro<int> { co_return co_await waiting(3, signal); };
  std::jthread waits([&] { result = sync_wait(body(Counted(alive))); });
  course::wait_until_others_block();
  EXPECT_EQ(result, 0);
  EXPECT_EQ(alive, 1);
  signal.send(10);
  waits.join();
  EXPECT_EQ(result, 13);
  EXPECT_EQ(alive, 0);
}

TEST(Step8_SyncWait, AnExceptionComesFromTheOtherThread) {
  Worker worker;
  const auto body = [&]() -> Coro<int> {
    co_await worker;
    co_return co_await refusing("not here either");
  };
  EXPECT_EQ(error_of([&] { sync_wait(body()); }), "not here either");
}

TEST(Step8_SyncWait, ManyTimesFromManyThreads) {
  Worker there;
  Worker back;
  const auto hop = [&](int number) -> Coro<int> {
    co_await there;
    const int result = co_await nested(number % 5);
    co_await back;
    co_return number - result;
  };
  const auto wait_often = [&] {
    for (int i = 0; i < 300; ++i) EXPECT_EQ(sync_wait(hop(i)), i - i % 5);
  };
  std::jthread a(wait_often);
  std::jthread b(wait_often);
  wait_often();
}

TEST(Step8_SyncWait, OneThreadMayWaitForWhatAnotherOneWaitsFor) {
  Signal signal;
  std::jthread waits([&] { EXPECT_EQ(sync_wait(signal), 5); });
  course::wait_until_others_block();
  const auto body = [&]() -> Coro<int> {
    signal.send(5);
    co_return 1;
  };
  EXPECT_EQ(sync_wait(body()), 1);  // the other thread waits until this one has come in
}

TEST(Step8_SyncWait, ACoroutineMayCallAFunctionThatWaits) {
  const auto function = [](int n) { return sync_wait(nested(n)); };
  const auto body = [&]() -> Coro<int> { co_return function(3) + co_await number(4); };
  EXPECT_EQ(sync_wait(body()), 7);
}

TEST(Step8_SyncWait, AMillionLevelsOnAnotherThread) {
  Worker worker;
  const auto body = [&]() -> Coro<int> {
    co_await worker;
    co_return co_await nested(levels(1'000'000));
  };
  EXPECT_EQ(sync_wait(body()), levels(1'000'000));
}

TEST(Step8_SyncWait, WhoeverWaitsSleeps) {
  Signal signal;
  std::thread waiter([&] { EXPECT_EQ(sync_wait(signal), 7); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  signal.send(7);
  waiter.join();
}

TEST(Step8_SyncWait, IfMemoryRunsOutNothingIsLeft) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    const std::size_t before = in_use();
    static_cast<void>(memory.suffices_for([] { EXPECT_EQ(sync_wait(large(2)), 52); }));
    EXPECT_LE(in_use(), before + 1) << "what the pool of frames keeps";
  });
  EXPECT_GE(failures, 6);
}
