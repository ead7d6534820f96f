// Chapter 11, step 2: a lock, and who gets it.

#include "lock.hpp"

#include "support.hpp"

using asyncio::Lock;

TEST(Step2_Lock, AFreeLockIsTakenWithoutAPass) {  // AIO-80
  VirtualLoop v;
  Lock lock;
  bool got = false;
  const auto body = [&]() -> Coro<> {
    for (int i = 0; i < 10; ++i) {
      EXPECT_FALSE(lock.locked());
      got = co_await lock.acquire();
      EXPECT_TRUE(lock.locked());
      lock.release();
    }
  };
  const Task<> task = v.loop.create_task(body());
  v.passes(1);
  ASSERT_TRUE(task.done());
  task.result();
  EXPECT_TRUE(got);
}

TEST(Step2_Lock, ThoseWhoWaitGetItInTheOrderInWhichTheyCame) {  // AIO-80
  VirtualLoop v;
  Lock lock;
  for (const char* who : {"a", "b", "c", "d"}) start(v, who, lock.acquire());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 a"});
  for (int i = 0; i < 3; ++i) {
    lock.release();
    v.passes(1);
  }
  EXPECT_EQ(v.log, (Log{"0 a", "1 b", "2 c", "3 d"}));
  EXPECT_TRUE(lock.locked());
  lock.release();
  EXPECT_FALSE(lock.locked());
}

TEST(Step2_Lock, AcquireReturnsTrueAfterItHasWaitedToo) {  // AIO-80
  VirtualLoop v;
  Lock lock;
  const auto body = [&]() -> Coro<bool> { co_return co_await lock.acquire(); };
  start(v, "a", lock.acquire());
  const Task<bool> waits = v.loop.create_task(body());
  v.passes(1);
  lock.release();
  v.passes(1);
  ASSERT_TRUE(waits.done());
  EXPECT_TRUE(waits.result());
}

TEST(Step2_Lock, OneThatNobodyHasCannotBeReleased) {  // AIO-80
  VirtualLoop v;
  Lock lock;
  EXPECT_THROW(lock.release(), std::runtime_error);
  EXPECT_EQ(error_of([&] { lock.release(); }), "Lock is not acquired.");
  start(v, "a", lock.acquire());
  v.passes(1);
  EXPECT_EQ(error_of([&] { lock.release(); }), "nothing");
  EXPECT_EQ(error_of([&] { lock.release(); }), "Lock is not acquired.");
}

TEST(Step2_Lock, AnyTaskMayReleaseIt) {  // AIO-80
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  v.passes(1);
  EXPECT_EQ(error_in_task(v, [&] { lock.release(); }), "nothing");
  EXPECT_FALSE(lock.locked());
}

TEST(Step2_Lock, ATaskThatHasItWaitsForItAsOthersDo) {  // AIO-80
  VirtualLoop v;
  Lock lock;
  const auto body = [&]() -> Coro<> {
    co_await lock.acquire();
    co_await lock.acquire();
    v.note("twice");
  };
  v.loop.create_task(body());
  v.passes(3);
  EXPECT_EQ(v.log, Log{});
  lock.release();
  v.passes(1);
  EXPECT_EQ(v.log, Log{"3 twice"});
}

TEST(Step2_Lock, ItKnowsTheNumberOfTheTaskThatHasIt) {
  VirtualLoop v;
  Lock lock;
  EXPECT_EQ(lock.holder(), 0u);
  start(v, "a", lock.acquire());
  start(v, "b", lock.acquire());
  v.passes(1);
  EXPECT_EQ(lock.holder(), 1u);
  lock.release();
  EXPECT_EQ(lock.holder(), 0u);
  v.passes(1);
  EXPECT_EQ(lock.holder(), 2u);
}

TEST(Step2_Lock, ReleaseLeavesItUnlockedUntilTheNextTaskRuns) {  // AIO-81
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  start(v, "b", lock.acquire());
  v.passes(1);
  lock.release();
  EXPECT_FALSE(lock.locked());
  EXPECT_EQ(error_of([&] { lock.release(); }), "Lock is not acquired.");
  v.passes(1);
  EXPECT_TRUE(lock.locked());
}

TEST(Step2_Lock, TheReleaserWhoWantsItAgainQueuesBehindThoseWhoWait) {  // AIO-81
  VirtualLoop v;
  Lock lock;
  const auto main = [&]() -> Coro<> {
    co_await lock.acquire();
    co_await sleep(0s);
    lock.release();
    co_await lock.acquire();
    v.note("main");
    lock.release();
  };
  const auto other = [&](const char* who) -> Coro<> {
    co_await lock.acquire();
    v.note(who);
    lock.release();
  };
  v.loop.create_task(main());
  v.loop.create_task(other("0"));
  v.loop.create_task(other("1"));
  v.loop.create_task(other("2"));
  v.passes(8);
  EXPECT_EQ(v.log, (Log{"2 0", "3 1", "4 2", "5 main"}));
}

TEST(Step2_Lock, ANewcomerBetweenReleaseAndTheNextTaskQueues) {  // AIO-81
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  start(v, "b", lock.acquire());
  v.passes(1);
  start(v, "barges", lock.acquire());  // it will run before b does
  lock.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b"}));
  lock.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b", "2 barges"}));
}

TEST(Step2_Lock, AHandOverTakesOnePass) {
  VirtualLoop v;
  Lock lock;
  const auto body = [&]() -> Coro<> {
    for (int i = 0; i < 5; ++i) {
      co_await lock.acquire();
      co_await sleep(0s);
      lock.release();
    }
  };
  const Task<> one = v.loop.create_task(body());
  const Task<> other = v.loop.create_task(body());
  EXPECT_EQ(v.passes_until_done(other),
            20);  // each has it for a pass, five times; and so often it changes hands
  EXPECT_TRUE(one.done());
}

TEST(Step2_Lock, AGuardReleasesWhenItGoes) {  // AIO-80
  VirtualLoop v;
  Lock lock;
  const auto body = [&](const char* who) -> Coro<> {
    const auto held = co_await lock.scoped();
    v.note(who);
    co_await sleep(0s);
    v.note(std::string(who) + " ends");
  };
  v.loop.create_task(body("a"));
  v.loop.create_task(body("b"));
  v.passes(5);
  EXPECT_EQ(v.log, (Log{"0 a", "1 a ends", "2 b", "3 b ends"}));
  EXPECT_FALSE(lock.locked());
}

TEST(Step2_Lock, AGuardReleasesWhenAnErrorLeavesItsScope) {  // AIO-80
  VirtualLoop v;
  Lock lock;
  const auto body = [&]() -> Coro<> {
    const auto held = co_await lock.scoped();
    throw std::runtime_error("no");
  };
  EXPECT_EQ(error_of_await(v, body), "no");
  EXPECT_FALSE(lock.locked());
}

TEST(Step2_Lock, AGuardMayBeMovedAndGivenBackEarly) {
  VirtualLoop v;
  Lock lock;
  const auto body = [&]() -> Coro<> {
    auto held = co_await lock.scoped();
    auto moved = std::move(held);
    held.release();
    EXPECT_TRUE(lock.locked());
    moved.release();
    EXPECT_FALSE(lock.locked());
    moved.release();
  };
  EXPECT_EQ(error_of_await(v, body), "nothing");
}

TEST(Step2_Lock, TheAwaitableCanBeATaskOfItsOwn) {
  VirtualLoop v;
  Lock lock;
  const Task<bool> one = v.loop.create_task(lock.acquire());
  const Task<bool> other = v.loop.create_task(lock.acquire());
  v.passes(1);
  EXPECT_TRUE(one.done());
  EXPECT_FALSE(other.done());
  lock.release();
  v.passes(2);
  EXPECT_TRUE(other.done());
}

TEST(Step2_Lock, OnASecondLoopItIsRefused) {  // AIO-47
  VirtualLoop one;
  VirtualLoop other;
  Lock lock;
  start(one, "a", lock.acquire());
  start(one, "b", lock.acquire());
  one.passes(1);
  EXPECT_EQ(error_of_await(other, [&] { return lock.acquire(); }), "Lock is bound to a different event loop");
  lock.release();
  one.passes(1);
  EXPECT_EQ(one.log, (Log{"0 a", "1 b"}));
}
