// Chapter 11, step 2: a task that waits for a lock is cancelled, at each point where it can be.

#include "lock.hpp"

#include "support.hpp"

#include <optional>

using asyncio::Lock;

TEST(Step2_LockCancelled, AWaiterThatIsCancelledLeavesTheQueue) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  Task<> b = start(v, "b", lock.acquire());
  start(v, "c", lock.acquire());
  v.passes(1);
  b.cancel();
  v.passes(1);
  lock.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b cancelled", "2 c"}));
}

TEST(Step2_LockCancelled, OneThatWasWokenPassesTheWakeUpOn) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  Task<> b = start(v, "b", lock.acquire());
  start(v, "c", lock.acquire());
  v.passes(1);
  lock.release();
  b.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b cancelled", "2 c"}));
  EXPECT_TRUE(lock.locked());
}

TEST(Step2_LockCancelled, OneThatWasCancelledFirstIsNotWoken) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  Task<> b = start(v, "b", lock.acquire());
  start(v, "c", lock.acquire());
  v.passes(1);
  b.cancel();
  lock.release();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b cancelled", "2 c"}));
  EXPECT_TRUE(lock.locked());
}

TEST(Step2_LockCancelled, AWakeUpThatPassesOnGoesToOneTaskOnly) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  start(v, "b", lock.acquire());
  Task<> c = start(v, "c", lock.acquire());
  start(v, "d", lock.acquire());
  v.passes(1);
  c.cancel();      // it will run first,
  lock.release();  // and b has been woken, but not run, when it does
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"0 a", "1 c cancelled", "1 b"}));
  lock.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "1 c cancelled", "1 b", "4 d"}));
}

TEST(Step2_LockCancelled, WhenAllAreCancelledTheLockIsFree) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  Task<> b = start(v, "b", lock.acquire());
  Task<> c = start(v, "c", lock.acquire());
  v.passes(1);
  lock.release();
  b.cancel();
  c.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b cancelled", "1 c cancelled"}));
  EXPECT_FALSE(lock.locked());
  start(v, "d", lock.acquire());
  v.passes(1);
  EXPECT_EQ(v.log.back(), "3 d");
}

TEST(Step2_LockCancelled, WhoComesWhenAllWhoWaitAreCancelledGetsItAtOnce) {  // AIO-81, AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  Task<> b = start(v, "b", lock.acquire());
  v.passes(1);
  const auto body = [&]() -> Coro<> {
    b.cancel();
    lock.release();
    co_await lock.acquire();
    v.note("c");
  };
  v.loop.create_task(body());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 a", "1 c", "2 b cancelled"}));
  EXPECT_TRUE(lock.locked());
}

TEST(Step2_LockCancelled, ACancelledWaiterDoesNotFreeALockThatIsHeld) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  Task<> b = start(v, "b", lock.acquire());
  start(v, "c", lock.acquire());
  v.passes(1);
  b.cancel();
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b cancelled"}));
  EXPECT_TRUE(lock.locked());
}

TEST(Step2_LockCancelled, ATaskThatIsCancelledBeforeItWaitsNeverGetsIt) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  std::optional<Task<>> task;
  const auto body = [&]() -> Coro<> {
    task->cancel();
    co_await note_when(v, "b", lock.acquire());
  };
  task = v.loop.create_task(body());
  v.passes(1);
  lock.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b cancelled"}));
  EXPECT_FALSE(lock.locked());
}

TEST(Step2_LockCancelled, AFreeLockIsTakenEvenByATaskThatIsAboutToBeCancelled) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  std::optional<Task<>> task;
  const auto body = [&]() -> Coro<> {
    task->cancel();
    const auto held = co_await lock.scoped();
    v.note("held");
    co_await sleep(0s);
  };
  task = v.loop.create_task(body());
  v.passes(2);
  EXPECT_EQ(v.log, Log{"0 held"});
  EXPECT_TRUE(task->cancelled());
  EXPECT_FALSE(lock.locked());
}

TEST(Step2_LockCancelled, ScopedPassesTheWakeUpOnToo) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  const auto body = [&](const char* who) -> Coro<> {
    const auto held = co_await lock.scoped();
    v.note(who);
  };
  Task<> b = v.loop.create_task(body("b"));
  v.loop.create_task(body("c"));
  v.passes(1);
  lock.release();
  b.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 a", "2 c"}));
  EXPECT_FALSE(lock.locked());
}

TEST(Step2_LockCancelled, ATaskThatRefusesMayWaitAgainAtTheEnd) {  // AIO-82
  VirtualLoop v;
  Lock lock;
  start(v, "a", lock.acquire());
  const auto body = [&]() -> Coro<> {
    try {
      co_await lock.acquire();
    } catch (const CancelledError&) {
      v.note("refused");
    }
    co_await lock.acquire();
    v.note("b");
  };
  Task<> b = v.loop.create_task(body());
  start(v, "c", lock.acquire());
  v.passes(1);
  b.cancel();
  v.passes(1);
  lock.release();
  v.passes(1);
  lock.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "1 refused", "2 c", "3 b"}));
}

// Whatever happens, and in whatever order: one has the lock, and when it is released, somebody gets it.
TEST(Step2_LockCancelled, NoWakeUpIsLostWhoeverIsCancelledAndWhenever) {  // AIO-82
  constexpr int tasks = 4;
  for (int who = 0; who < tasks; ++who) {
    for (int when = 0; when < 12; ++when) {
      for (const bool cancel_first : {true, false}) {
        VirtualLoop v;
        Lock lock;
        int inside = 0;
        const auto body = [&]() -> Coro<> {
          const auto held = co_await lock.scoped();
          EXPECT_EQ(++inside, 1);
          const AtEnd leaves([&] { --inside; });
          co_await sleep(0s);
        };
        std::vector<Task<>> all;
        const auto cancel = [&] {
          if (v.pass == when) all[who].cancel();
        };
        for (int i = 0; i < tasks; ++i) all.push_back(v.loop.create_task(body()));
        for (int pass = 0; pass < 12; ++pass) {
          if (cancel_first)
            cancel();
          else
            v.loop.call_soon(cancel);
          v.run_once();
        }
        for (const Task<>& task : all) EXPECT_TRUE(task.done()) << who << " was cancelled in pass " << when;
        EXPECT_FALSE(lock.locked());
      }
    }
  }
}

TEST(Step2_LockCancelled, BehindOneThatWasWokenAndThenCancelledANewcomerQueues) {  // AIO-81, AIO-82
  VirtualLoop v;
  Lock lock;
  Task<> second = start(v, "nobody", sleep(0s));
  const auto body = [&]() -> Coro<> {
    co_await lock.acquire();
    second = start(v, "b", lock.acquire());
    co_await sleep(0s);
    co_await sleep(0s);
    lock.release();
    second.cancel();
    EXPECT_FALSE(lock.locked());
    v.note("released");
    co_await lock.acquire();
    v.note("again");
  };
  const Task<> task = v.loop.create_task(body());
  v.passes(10);
  ASSERT_TRUE(task.done());
  EXPECT_TRUE(second.cancelled());
  Log order;
  for (const std::string& line : v.log) order.push_back(line.substr(line.find(' ') + 1));
  EXPECT_EQ(order, (Log{"nobody", "released", "b cancelled", "again"}))
      << "whoever was woken is before the newcomer, until it has run";
}
