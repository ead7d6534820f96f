// Chapter 11, step 4: a task that waits at a condition is cancelled, at each point where it can be.

#include "condition_waits.hpp"

TEST(Step4_Condition, ACancelledWaitHasTheLockWhenItThrows) {  // AIO-87
  VirtualLoop v;
  Condition condition;
  Task<> a = v.loop.create_task(wait_once(v, condition, "a"));
  v.passes(1);
  start(v, "holds", condition.acquire());
  v.passes(1);
  a.cancel();
  v.passes(3);
  EXPECT_EQ(v.log, Log{"1 holds"});  // it waits for the lock
  condition.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 holds", "5 a cancelled"}));
  EXPECT_FALSE(condition.locked());
}

TEST(Step4_Condition, CancelledAgainAndAgainItStillWaitsForTheLock) {  // AIO-87
  VirtualLoop v;
  Condition condition;
  Task<> a = v.loop.create_task(wait_once(v, condition, "a"));
  v.passes(1);
  start(v, "holds", condition.acquire());
  v.passes(1);
  for (int i = 0; i < 4; ++i) {
    a.cancel();
    v.passes(1);
  }
  EXPECT_EQ(v.log, Log{"1 holds"});
  condition.release();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 holds", "6 a cancelled"}));
  EXPECT_TRUE(a.cancelled());
}

TEST(Step4_Condition, OneThatIsCancelledWhileItGetsTheLockBackThrowsWhenItHasIt) {  // AIO-87
  VirtualLoop v;
  Condition condition;
  Task<> a = v.loop.create_task(wait_once(v, condition, "a"));
  v.passes(1);
  start(v, "holds", condition.acquire());
  v.passes(1);
  condition.notify();
  v.passes(1);  // it was woken, and waits for the lock
  a.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, Log{"1 holds"});
  condition.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 holds", "5 a cancelled"}));
}

TEST(Step4_Condition, ANotificationOfACancelledTaskGoesToAnotherOne) {  // AIO-88
  VirtualLoop v;
  Condition condition;
  Task<> a = v.loop.create_task(wait_once(v, condition, "a"));
  v.loop.create_task(wait_once(v, condition, "b"));
  v.passes(1);
  v.loop.create_task(notify(condition));
  v.loop.call_soon([&] { a.cancel(); });  // it was woken, and has not run
  v.passes(6);
  EXPECT_EQ(v.log, (Log{"2 a cancelled", "3 b"}));
}

TEST(Step4_Condition, EvenIfItIsCancelledWhileItGetsTheLockBack) {  // AIO-88
  VirtualLoop v;
  Condition condition;
  Task<> a = v.loop.create_task(wait_once(v, condition, "a"));
  v.loop.create_task(wait_once(v, condition, "b"));
  v.passes(1);
  start(v, "holds", condition.acquire());
  v.passes(1);
  condition.notify();
  v.passes(1);
  a.cancel();
  v.passes(1);
  condition.release();
  v.passes(4);
  EXPECT_EQ(v.log, (Log{"1 holds", "4 a cancelled", "5 b"}));
}

TEST(Step4_Condition, OneThatIsCancelledBeforeItIsNotifiedWakesAnotherAsWell) {  // AIO-88
  VirtualLoop v;
  Condition condition;
  Task<> a = v.loop.create_task(wait_once(v, condition, "a"));
  v.loop.create_task(wait_once(v, condition, "b"));
  v.passes(1);
  a.cancel();
  v.passes(4);  // b returns without a reason: that is allowed, and what Python does
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "2 b"}));
}

// Whoever is cancelled, and whenever: n notifications let n of the others go on.
TEST(Step4_Condition, NoNotificationIsLostWhoeverIsCancelledAndWhenever) {  // AIO-88
  constexpr int tasks = 3;
  for (int who = 0; who < tasks; ++who) {
    for (int when = 1; when < 10; ++when) {
      VirtualLoop v;
      Condition condition;
      int items = 0;
      int taken = 0;
      const auto body = [&]() -> Coro<> {
        const auto held = co_await condition.scoped();
        co_await condition.wait_for([&] { return items > 0; });
        --items;
        ++taken;
      };
      std::vector<Task<>> all;
      for (int i = 0; i < tasks; ++i) all.push_back(v.loop.create_task(body()));
      const auto give = [&]() -> Coro<> {
        for (int i = 0; i < tasks - 1; ++i) {
          {
            const auto held = co_await condition.scoped();
            ++items;
            condition.notify();
          }
          co_await sleep(0s);
        }
      };
      v.passes(1);
      v.loop.create_task(give());
      while (v.pass < 16) {
        if (v.pass == when) v.loop.call_soon([&] { all[who].cancel(); });
        v.run_once();
      }
      EXPECT_EQ(taken, tasks - 1) << who << " was cancelled in pass " << when;
    }
  }
}

TEST(Step4_Condition, HoweverOftenItIsCancelledOneOtherIsNotified) {  // AIO-88
  VirtualLoop v;
  Condition condition;
  Task<> a = v.loop.create_task(wait_once(v, condition, "a"));
  for (const char* who : {"b", "c"}) v.loop.create_task(wait_once(v, condition, who));
  v.passes(1);
  start(v, "holds", condition.acquire());
  v.passes(1);
  for (int i = 0; i < 3; ++i) {
    a.cancel();
    v.passes(1);
  }
  condition.release();
  v.passes(5);
  EXPECT_EQ(v.log, (Log{"1 holds", "5 a cancelled", "6 b"})) << "c waits on: one task was cancelled";
}

TEST(Step4_Condition, EachThatIsCancelledHasAnotherOneNotified) {  // AIO-88
  VirtualLoop v;
  Condition condition;
  Task<> a = v.loop.create_task(wait_once(v, condition, "a"));
  Task<> b = v.loop.create_task(wait_once(v, condition, "b"));
  for (const char* who : {"c", "d", "e"}) v.loop.create_task(wait_once(v, condition, who));
  v.passes(1);
  a.cancel();
  b.cancel();
  v.passes(5);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "1 b cancelled", "2 c", "2 d"}))
      << "two were cancelled: two are told";
}

TEST(Step4_Condition, TheOtherOneIsNotifiedWhenItThrowsAndNotBefore) {  // AIO-88
  VirtualLoop v;
  Condition condition;
  Task<> a = v.loop.create_task(wait_once(v, condition, "a"));
  v.passes(1);
  const auto body = [&]() -> Coro<> {
    const auto held = co_await condition.scoped();
    condition.notify();
    for (int i = 0; i < 2; ++i) co_await sleep(0s);
    a.cancel();  // it takes the lock back
    for (int i = 0; i < 2; ++i) co_await sleep(0s);
    co_await condition.wait();
    v.note("b");
  };
  v.loop.create_task(body());
  v.passes(8);
  EXPECT_EQ(v.log, (Log{"6 a cancelled", "7 b"})) << "b waited when a gave up what it had been told";
}
