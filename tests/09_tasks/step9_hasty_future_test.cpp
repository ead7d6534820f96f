// Chapter 09, step 9: a future that resumes those who wait inside set_result().

#include "pitfall_hasty_future.hpp"
#include "stack.hpp"
#include "support.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <vector>

using asyncio::HastyFuture;

TEST(Step9_HastyFuture, InTheSimpleCaseTheResultIsRight) {
  HastyFuture future;
  Log log;
  const auto body = [&](std::string name) -> Coro<> {
    const int number = co_await future;
    log.push_back(name + " " + std::to_string(number));
  };
  const Coro<> first = body("first");
  const Coro<> second = body("second");
  const Coro<> late = body("late");
  first.handle().resume();
  second.handle().resume();
  EXPECT_FALSE(future.done());
  EXPECT_EQ(log, Log());
  future.set_result(7);
  EXPECT_TRUE(future.done());
  EXPECT_EQ(log, (Log{"first 7", "second 7"}));
  late.handle().resume();
  EXPECT_EQ(log, (Log{"first 7", "second 7", "late 7"}));
}

TEST(Step9_HastyFuture, WhoWaitsSeesWhatTheCallerHasNotFinished) {
  struct Account {
    int withdrawn = 0;
    int balance = 100;
  };
  const auto withdraw = [](Account& account, auto& future) {
    account.withdrawn += 30;
    future.set_result(1);
    account.balance -= 30;
  };
  const auto sum = [](Account& account, auto& future, int& seen) -> Coro<> {
    co_await future;
    seen = account.withdrawn + account.balance;
  };
  int seen = 0;
  Account account;
  HastyFuture hasty;
  const Coro<> waiting = sum(account, hasty, seen);
  waiting.handle().resume();
  withdraw(account, hasty);
  EXPECT_EQ(seen, 130) << "it runs in the middle of set_result()";

  VirtualLoop v;
  Account other;
  Future<int> future = v.loop.create_future<int>();
  v.loop.create_task(sum(other, future, seen));
  v.passes(1);
  withdraw(other, future);
  v.passes(1);
  EXPECT_EQ(seen, 100) << "a Future lets the caller finish";
}

TEST(Step9_HastyFuture, AChainThatSetsOneAfterAnotherUsesUpTheStack) {
  constexpr std::size_t links = 100;
  std::vector<HastyFuture> futures(links + 1);
  std::vector<Coro<>> chain;
  std::vector<std::uintptr_t> stack;
  const auto link = [&](std::size_t number) -> Coro<> {
    const int result = co_await futures[number];
    stack.push_back(course::stack_end());
    futures[number + 1].set_result(result + 1);
  };
  for (std::size_t i = 0; i < links; ++i) {
    chain.push_back(link(i));
    chain.back().handle().resume();
  }
  futures[0].set_result(0);
  EXPECT_EQ(futures.back().await_resume(), 100);
  ASSERT_EQ(stack.size(), links);
  for (std::size_t i = 1; i < links; ++i)
    ASSERT_LT(stack[i], stack[i - 1]) << "each runs inside the one before";
}

TEST(Step9_HastyFuture, ThoseWhoHaveWaitedAreResumedOnce) {
  HastyFuture future;
  int resumed = 0;
  const auto body = [&]() -> Coro<> {
    co_await future;
    ++resumed;
    co_await std::suspend_always();
    ++resumed;
  };
  const Coro<> coro = body();
  coro.handle().resume();
  future.set_result(1);
  EXPECT_EQ(resumed, 1);
  future.set_result(2);
  EXPECT_EQ(resumed, 1) << "the list is empty by then";
  EXPECT_EQ(future.await_resume(), 2);
}

TEST(Step9_HastyFuture, WhoIsResumedMaySetItOnceMore) {
  HastyFuture future;
  Log log;
  const auto body = [&](std::string name) -> Coro<> {
    log.push_back(name + " " + std::to_string(co_await future));
    if (name == "first") future.set_result(2);
    co_await std::suspend_always();
    log.push_back(name + " again");
  };
  const Coro<> first = body("first");
  const Coro<> second = body("second");
  first.handle().resume();
  second.handle().resume();
  future.set_result(1);
  EXPECT_EQ(log, (Log{"first 1", "second 2"})) << "each is resumed once";
}
