// Chapter 11, step 3: a semaphore hands out permits.

#include "semaphore.hpp"

#include "support.hpp"

#include <optional>

using asyncio::BoundedSemaphore;
using asyncio::Semaphore;

TEST(Step3_Semaphore, ItHasAsManyPermitsAsItIsMadeWith) {  // AIO-89
  VirtualLoop v;
  Semaphore semaphore(2);
  for (const char* who : {"a", "b", "c"}) start(v, who, semaphore.acquire());
  EXPECT_FALSE(semaphore.locked());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 a", "0 b"}));
  EXPECT_TRUE(semaphore.locked());
  semaphore.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "0 b", "2 c"}));
}

TEST(Step3_Semaphore, ByDefaultThatIsOne) {  // AIO-89
  VirtualLoop v;
  Semaphore semaphore;
  start(v, "a", semaphore.acquire());
  start(v, "b", semaphore.acquire());
  v.passes(2);
  EXPECT_EQ(v.log, Log{"0 a"});
}

TEST(Step3_Semaphore, OfNoneItIsLocked) {  // AIO-89
  VirtualLoop v;
  Semaphore semaphore(0);
  EXPECT_TRUE(semaphore.locked());
  start(v, "a", semaphore.acquire());
  v.passes(1);
  semaphore.release();
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 a"});
  EXPECT_TRUE(semaphore.locked());
}

TEST(Step3_Semaphore, FewerThanNoneAreRefused) {  // AIO-89
  EXPECT_EQ(error_of([] { Semaphore(-1); }), "Semaphore initial value must be >= 0, and not -1");
  EXPECT_THROW(BoundedSemaphore(-3), std::invalid_argument);
  VirtualLoop v;
  Semaphore none(0);
  none.release();
  EXPECT_EQ(error_of_await(v, [&] { return none.acquire(); }), "nothing");
}

TEST(Step3_Semaphore, ReleaseAddsOneEvenIfNobodyHasOne) {  // AIO-89
  VirtualLoop v;
  Semaphore semaphore(0);
  semaphore.release();
  semaphore.release();
  for (const char* who : {"a", "b", "c"}) start(v, who, semaphore.acquire());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 a", "0 b"}));
}

TEST(Step3_Semaphore, ABoundedOneRefusesAReleaseTooMany) {  // AIO-89
  VirtualLoop v;
  BoundedSemaphore semaphore(1);
  EXPECT_THROW(semaphore.release(), std::invalid_argument);
  EXPECT_EQ(error_of([&] { semaphore.release(); }), "BoundedSemaphore released too many times");
  start(v, "a", semaphore.acquire());
  v.passes(1);
  EXPECT_EQ(error_of([&] { semaphore.release(); }), "nothing");
  EXPECT_EQ(error_of([&] { semaphore.release(); }), "BoundedSemaphore released too many times");
  BoundedSemaphore none(0);
  EXPECT_THROW(none.release(), std::invalid_argument);
}

TEST(Step3_Semaphore, AcquireReturnsTrue) {  // AIO-89
  VirtualLoop v;
  Semaphore semaphore(1);
  const auto body = [&]() -> Coro<bool> { co_return co_await semaphore.acquire(); };
  const Task<bool> one = v.loop.create_task(body());
  const Task<bool> other = v.loop.create_task(body());
  v.passes(1);
  semaphore.release();
  v.passes(1);
  EXPECT_TRUE(one.result());
  ASSERT_TRUE(other.done());
  EXPECT_TRUE(other.result());
}

TEST(Step3_Semaphore, ThePermitGoesToTheFirstWhoWaits) {  // AIO-90
  VirtualLoop v;
  Semaphore semaphore(1);
  start(v, "a", semaphore.acquire());
  start(v, "b", semaphore.acquire());
  start(v, "c", semaphore.acquire());
  v.passes(1);
  semaphore.release();
  EXPECT_TRUE(semaphore.locked());  // it is b's already
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b"}));
}

TEST(Step3_Semaphore, ANewcomerDoesNotOvertakeOneWhoWasWoken) {  // AIO-90
  VirtualLoop v;
  Semaphore semaphore(1);
  start(v, "a", semaphore.acquire());
  start(v, "b", semaphore.acquire());
  v.passes(1);
  start(v, "barges", semaphore.acquire());  // it will run before b does
  semaphore.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b"}));
  semaphore.release();
  v.passes(1);
  EXPECT_EQ(v.log.back(), "2 barges");
}

TEST(Step3_Semaphore, ItIsLockedWhileSomebodyIsQueuedEvenIfAPermitIsLeft) {  // AIO-90
  VirtualLoop v;
  Semaphore semaphore(0);
  start(v, "a", semaphore.acquire());
  v.passes(1);
  semaphore.release();
  semaphore.release();
  EXPECT_TRUE(semaphore.locked());  // a was woken and has not run: a permit is left, and a newcomer waits
  v.passes(1);
  EXPECT_FALSE(semaphore.locked());
}

TEST(Step3_Semaphore, ThreeReleasesInARowKeepTheOrder) {  // AIO-90
  VirtualLoop v;
  Semaphore semaphore(0);
  for (const char* who : {"1", "2", "3", "4"}) start(v, who, semaphore.acquire());
  v.passes(1);
  for (int i = 0; i < 3; ++i) semaphore.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 1", "1 2", "1 3"}));
  semaphore.release();
  v.passes(1);
  EXPECT_EQ(v.log.back(), "2 4");
}

TEST(Step3_Semaphore, OneWhoHadToQueueForTheOrderAloneIsWokenByTheOneBefore) {  // AIO-90
  VirtualLoop v;
  Semaphore semaphore(0);
  start(v, "a", semaphore.acquire());
  v.passes(1);
  start(v, "b", semaphore.acquire());  // comes when a permit is left, and a has not run yet
  semaphore.release();
  semaphore.release();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 a", "2 b"}));
}

TEST(Step3_Semaphore, AGuardGivesThePermitBack) {  // AIO-89
  VirtualLoop v;
  BoundedSemaphore semaphore(1);
  const auto body = [&](const char* who) -> Coro<> {
    const auto held = co_await semaphore.scoped();
    v.note(who);
    co_await sleep(0s);
  };
  v.loop.create_task(body("a"));
  v.loop.create_task(body("b"));
  v.passes(5);
  EXPECT_EQ(v.log, (Log{"0 a", "2 b"}));
  EXPECT_FALSE(semaphore.locked());
}

TEST(Step3_Semaphore, OneThatIsCancelledInTheQueueIsSkipped) {  // AIO-91
  VirtualLoop v;
  Semaphore semaphore(0);
  Task<> a = start(v, "a", semaphore.acquire());
  start(v, "b", semaphore.acquire());
  v.passes(1);
  a.cancel();
  semaphore.release();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "1 b"}));
}

TEST(Step3_Semaphore, OneThatWasWokenAndIsCancelledGivesThePermitToTheNext) {  // AIO-91
  VirtualLoop v;
  Semaphore semaphore(0);
  Task<> a = start(v, "a", semaphore.acquire());
  start(v, "b", semaphore.acquire());
  v.passes(1);
  semaphore.release();
  a.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "2 b"}));
  EXPECT_TRUE(semaphore.locked());
}

TEST(Step3_Semaphore, IfThereIsNoNextThePermitIsThere) {  // AIO-91
  VirtualLoop v;
  Semaphore semaphore(0);
  Task<> a = start(v, "a", semaphore.acquire());
  v.passes(1);
  semaphore.release();
  a.cancel();
  v.passes(1);
  EXPECT_FALSE(semaphore.locked());
  start(v, "b", semaphore.acquire());
  start(v, "c", semaphore.acquire());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "2 b"}));
}

TEST(Step3_Semaphore, ACancelledOneThatWasNotWokenBringsNoPermit) {  // AIO-91
  VirtualLoop v;
  BoundedSemaphore semaphore(1);
  start(v, "a", semaphore.acquire());
  Task<> b = start(v, "b", semaphore.acquire());
  start(v, "c", semaphore.acquire());
  v.passes(1);
  b.cancel();
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"0 a", "1 b cancelled"}));
  EXPECT_TRUE(semaphore.locked());
}

TEST(Step3_Semaphore, WhoQueuedBehindACancelledOneIsNotLeftThere) {  // AIO-91
  VirtualLoop v;
  Semaphore semaphore(0);
  Task<> a = start(v, "a", semaphore.acquire());
  v.passes(1);
  start(v, "b", semaphore.acquire());
  semaphore.release();
  v.loop.call_soon([&] { a.cancel(); });
  semaphore.release();
  v.passes(3);
  EXPECT_EQ(v.log.size(), 2u);
  EXPECT_EQ(v.log.back(), "2 b");
}

TEST(Step3_Semaphore, OnASecondLoopItIsRefused) {  // AIO-47
  VirtualLoop one;
  VirtualLoop other;
  Semaphore semaphore(0);
  start(one, "a", semaphore.acquire());
  one.passes(1);
  EXPECT_EQ(error_of_await(other, [&] { return semaphore.acquire(); }),
            "Semaphore is bound to a different event loop");
  semaphore.release();
  one.passes(1);
  EXPECT_EQ(one.log, Log{"1 a"});
}

// Whoever is cancelled, and whenever: no permit is lost, and none is there twice.
TEST(Step3_Semaphore, PermitsAreNeitherLostNorDoubledWhoeverIsCancelled) {  // AIO-91
  constexpr int tasks = 6;
  for (int who = 0; who < tasks; ++who) {
    for (int when = 0; when < 10; ++when) {
      for (const bool cancel_first : {true, false}) {
        VirtualLoop v;
        BoundedSemaphore semaphore(2);
        int inside = 0;
        const auto body = [&]() -> Coro<> {
          const auto held = co_await semaphore.scoped();
          EXPECT_LE(++inside, 2);
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
        for (int i = 0; i < 2; ++i) {
          EXPECT_FALSE(semaphore.locked());
          start(v, "takes", semaphore.acquire());
          v.run_once();
        }
        EXPECT_TRUE(semaphore.locked());
      }
    }
  }
}

TEST(Step3_Semaphore, AllWhoQueuedForTheOrderAloneAreWokenByTheOneBefore) {  // AIO-90
  VirtualLoop v;
  Semaphore semaphore(0);
  start(v, "a", semaphore.acquire());
  v.passes(1);
  for (const char* who : {"b", "c", "d"}) start(v, who, semaphore.acquire());
  for (int i = 0; i < 3; ++i) semaphore.release();  // for a, and two are left
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 a", "2 b", "2 c"})) << "two permits are left: two may go on";
}

TEST(Step3_Semaphore, AllWhoQueuedForTheOrderAloneAreWokenByACancelledOneToo) {  // AIO-90, AIO-91
  VirtualLoop v;
  Semaphore semaphore(0);
  Task<> a = start(v, "a", semaphore.acquire());
  v.passes(1);
  for (const char* who : {"b", "c", "d"}) start(v, who, semaphore.acquire());
  for (int i = 0; i < 2; ++i) semaphore.release();
  a.cancel();
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "2 b", "2 c"})) << "two permits are left: two may go on";
}

TEST(Step3_Semaphore, ALoopThatIsClosedLeavesNobodyInTheQueue) {
  Semaphore semaphore(0);
  {
    VirtualLoop v;
    v.loop.set_exception_handler([](EventLoop&, const asyncio::ExceptionContext&) {});
    start(v, "a", semaphore.acquire());
    start(v, "b", semaphore.acquire());
    v.passes(1);
  }
  semaphore.release();
  EXPECT_FALSE(semaphore.locked()) << "a permit went to a task that is gone";
  VirtualLoop next;
  EXPECT_EQ(error_of_await(next, [&] { return semaphore.acquire(); }), "nothing");
}
