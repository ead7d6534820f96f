// Chapter 11, step 4: a condition: wait for a change of what a lock guards.

#include "condition_waits.hpp"

TEST(Step4_Condition, WithoutTheLockNobodyWaitsOrNotifies) {  // AIO-85
  VirtualLoop v;
  Condition condition;
  EXPECT_EQ(error_of_await(v, [&] { return condition.wait(); }), "cannot wait on un-acquired lock");
  EXPECT_EQ(error_of([&] { condition.notify(); }), "cannot notify on un-acquired lock");
  EXPECT_EQ(error_of([&] { condition.notify_all(); }), "cannot notify on un-acquired lock");
}

TEST(Step4_Condition, WaitGivesTheLockBackAndHasItAgainWhenItReturns) {  // AIO-86
  VirtualLoop v;
  Condition condition;
  v.loop.create_task(wait_once(v, condition, "a"));
  v.passes(1);
  EXPECT_FALSE(condition.locked());
  v.loop.create_task(notify(condition));
  v.passes(3);
  EXPECT_EQ(v.log, Log{"2 a"});
  EXPECT_FALSE(condition.locked());
}

TEST(Step4_Condition, WaitReturnsTrue) {  // AIO-86
  VirtualLoop v;
  Condition condition;
  const auto body = [&]() -> Coro<bool> {
    const auto held = co_await condition.scoped();
    co_return co_await condition.wait();
  };
  const Task<bool> task = v.loop.create_task(body());
  v.passes(1);
  v.loop.create_task(notify(condition));
  v.passes(3);
  ASSERT_TRUE(task.done());
  EXPECT_TRUE(task.result());
}

TEST(Step4_Condition, NotifyWakesTheFirstOfThoseWhoWait) {  // AIO-86
  VirtualLoop v;
  Condition condition;
  for (const char* who : {"a", "b", "c"}) v.loop.create_task(wait_once(v, condition, who));
  v.passes(2);
  v.loop.create_task(notify(condition));
  v.passes(4);
  EXPECT_EQ(v.log, Log{"3 a"});
  v.loop.create_task(notify(condition, 2));
  v.passes(5);
  EXPECT_EQ(v.log.size(), 3u);
  EXPECT_EQ(v.log[1].substr(2), "b");
  EXPECT_EQ(v.log[2].substr(v.log[2].find(' ') + 1), "c");
}

TEST(Step4_Condition, ThoseWhoAreWokenGoOnOneByOneEachWithTheLock) {  // AIO-86
  VirtualLoop v;
  Condition condition;
  for (const char* who : {"a", "b", "c"}) v.loop.create_task(wait_once(v, condition, who));
  v.passes(1);
  const auto body = [&]() -> Coro<> {
    const auto held = co_await condition.scoped();
    condition.notify_all();
    co_await sleep(0s);
    co_await sleep(0s);
    v.note("leaves");
  };
  v.loop.create_task(body());
  v.passes(8);
  EXPECT_EQ(v.log, (Log{"3 leaves", "4 a", "5 b", "6 c"}));
}

TEST(Step4_Condition, ToNotifyMoreThanWaitWakesAll) {  // AIO-86
  VirtualLoop v;
  Condition condition;
  for (const char* who : {"a", "b"}) v.loop.create_task(wait_once(v, condition, who));
  v.passes(1);
  v.loop.create_task(notify(condition, 7));
  v.passes(5);
  EXPECT_EQ(v.log.size(), 2u);
}

TEST(Step4_Condition, ANotificationThatNobodyWaitsForIsLost) {  // AIO-86
  VirtualLoop v;
  Condition condition;
  v.loop.create_task(notify(condition, 2));
  v.passes(1);
  v.loop.create_task(wait_once(v, condition, "a"));
  v.passes(3);
  EXPECT_EQ(v.log, Log{});
}

TEST(Step4_Condition, WaitForReturnsWhatThePredicateGives) {  // AIO-85
  VirtualLoop v;
  Condition condition;
  int value = 0;
  int calls = 0;
  const auto body = [&]() -> Coro<int> {
    const auto held = co_await condition.scoped();
    co_return co_await condition.wait_for([&] {
      ++calls;
      return value;
    });
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(1);
  v.loop.create_task(notify(condition));  // and nothing has changed
  v.passes(3);
  EXPECT_FALSE(task.done());
  value = 7;
  v.loop.create_task(notify(condition));
  v.passes(3);
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.result(), 7);
  EXPECT_EQ(calls, 3);
}

TEST(Step4_Condition, WaitForNeedsNoLockIfThePredicateIsTrueAtOnce) {  // AIO-85
  VirtualLoop v;
  Condition condition;
  EXPECT_EQ(error_of_await(v, [&] { return condition.wait_for([] { return true; }); }), "nothing");
  EXPECT_EQ(error_of_await(v, [&] { return condition.wait_for([] { return false; }); }),
            "cannot wait on un-acquired lock");
}

TEST(Step4_Condition, SeveralConditionsShareALock) {  // AIO-85
  VirtualLoop v;
  Lock lock;
  Condition one(lock);
  Condition other(lock);
  v.loop.create_task(wait_once(v, one, "one"));
  v.loop.create_task(wait_once(v, other, "other"));
  v.passes(2);
  start(v, "holds", lock.acquire());
  v.passes(1);
  EXPECT_TRUE(one.locked());
  EXPECT_TRUE(other.locked());
  other.notify();
  one.release();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"2 holds", "3 other"}));
}

TEST(Step4_Condition, AcquireAndReleaseAreTheLocks) {  // AIO-85
  VirtualLoop v;
  Lock lock;
  Condition condition(lock);
  start(v, "a", condition.acquire());
  v.passes(1);
  EXPECT_TRUE(lock.locked());
  condition.release();
  EXPECT_FALSE(lock.locked());
  v.loop.create_task(wait_once(v, condition, "b"));
  v.passes(1);
  EXPECT_FALSE(lock.locked());
}

TEST(Step4_Condition, OnASecondLoopItIsRefused) {  // AIO-47
  VirtualLoop one;
  VirtualLoop other;
  Condition condition;
  one.loop.create_task(wait_once(one, condition, "a"));
  one.passes(1);
  const auto body = [&]() -> Coro<> {
    const auto held = co_await condition.scoped();
    co_await condition.wait();
  };
  EXPECT_EQ(error_of_await(other, body), "Condition is bound to a different event loop");
}

TEST(Step4_Condition, OnASecondLoopItIsRefusedAndTheLockStays) {  // AIO-47
  VirtualLoop one;
  VirtualLoop other;
  Condition condition;
  one.loop.create_task(wait_once(one, condition, "a"));
  one.passes(1);
  bool locked = false;
  const auto body = [&]() -> Coro<> {
    const auto held = co_await condition.scoped();
    const AtEnd look([&] { locked = condition.locked(); });
    co_await condition.wait();
  };
  EXPECT_EQ(error_of_await(other, body), "Condition is bound to a different event loop");
  EXPECT_TRUE(locked) << "whoever calls wait() has the lock when it throws";
}

TEST(Step4_Condition, ToNotifyNoneWakesNobody) {  // AIO-86
  VirtualLoop v;
  Condition condition;
  for (const char* who : {"a", "b"}) v.loop.create_task(wait_once(v, condition, who));
  v.passes(1);
  v.loop.create_task(notify(condition, 0));
  v.passes(4);
  EXPECT_EQ(v.log, Log{});
  v.loop.create_task(notify(condition));
  v.passes(3);
  EXPECT_EQ(v.log, Log{"6 a"});
}

TEST(Step4_Condition, AnyTaskMayWaitWhileSomebodyHasTheLock) {  // AIO-85
  VirtualLoop v;
  Condition condition;
  start(v, "takes it", condition.acquire());
  start(v, "waits", condition.wait());
  v.passes(1);
  EXPECT_FALSE(condition.locked());
  v.loop.create_task(notify(condition));
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"0 takes it", "2 waits"}));
}
