// Chapter 11, step 7: a hang explains itself.

#include "explain_hangs.hpp"

#include "barrier.hpp"
#include "event.hpp"
#include "lock.hpp"
#include "queue.hpp"
#include "semaphore.hpp"

#include "support.hpp"

#include "stack.hpp"

#include <functional>
#include <optional>
#include <thread>

using asyncio::Barrier;
using asyncio::BoundedSemaphore;
using asyncio::Condition;
using asyncio::Event;
using asyncio::explain_hangs;
using asyncio::explaining_loop;
using asyncio::Future;
using asyncio::HangError;
using asyncio::Lock;
using asyncio::Queue;
using asyncio::Semaphore;
using asyncio::ThreadMayPost;
using asyncio::VirtualTimeSelector;

namespace {

/// Runs it on a loop whose hangs are explained and whose clock jumps. @returns the explanation, or "no hang"
template <class F>
std::string hang_of(F main) {
  EventLoop loop(explain_hangs(std::make_unique<VirtualTimeSelector>()));
  loop.set_exception_handler([](EventLoop&, const asyncio::ExceptionContext&) {});
  try {
    loop.run_until_complete(main());
  } catch (const HangError& hang) {
    return hang.what();
  }
  return "no hang";
}

/// Calls a function where others wait.
class CallingSelector final : public asyncio::Selector {
 public:
  explicit CallingSelector(std::function<void()> fn) : fn_(std::move(fn)) {}

  void select(std::optional<asyncio::Duration>) override { fn_(); }
  void wake() override {}
  asyncio::TimePoint now() override { return {}; }

 private:
  std::function<void()> fn_;
};

/// Waits for one thing, and then for another.
template <class A, class B>
Coro<> both(A first, B second) {
  co_await std::move(first);
  co_await sleep(0s);
  co_await std::move(second);
}

}  // namespace

TEST(Step7_Hang, ALockThatIsNeverReleasedIsNamedWithItsHolder) {
  Lock lock;
  lock.set_name("door");
  const auto main = [&]() -> Coro<> {
    co_await lock.acquire();
    co_await lock.acquire();
  };
  EXPECT_EQ(hang_of(main),
            "nothing can ever happen again, and 1 task waits\n"
            "  Task-1 waits for Lock 'door', held by Task-1\n"
            "  a circle: Task-1 waits for Task-1");
}

TEST(Step7_Hang, SoIsOneWhoseHolderHasEnded) {
  Lock lock;
  const auto forgets = [&]() -> Coro<> { co_await lock.acquire(); };
  const auto main = [&]() -> Coro<> {
    co_await asyncio::create_task(forgets());
    co_await lock.acquire();
  };
  EXPECT_EQ(hang_of(main),
            "nothing can ever happen again, and 1 task waits\n"
            "  Task-1 waits for Lock, held by a task that has ended");
}

TEST(Step7_Hang, TwoLocksInTheWrongOrderAreACircle) {
  Lock left;
  Lock right;
  left.set_name("left");
  right.set_name("right");
  const auto main = [&]() -> Coro<> {
    const Task<> one = asyncio::create_task(both(left.acquire(), right.acquire()), {.name = "one"});
    const Task<> other = asyncio::create_task(both(right.acquire(), left.acquire()), {.name = "other"});
    co_await one;
  };
  EXPECT_EQ(hang_of(main),
            "nothing can ever happen again, and 3 tasks wait\n"
            "  Task-1 waits for one\n"
            "  one waits for Lock 'right', held by other\n"
            "  other waits for Lock 'left', held by one\n"
            "  a circle: one waits for other waits for one");
}

TEST(Step7_Hang, AQueueThatNobodyFillsIsNamed) {
  Queue<int> queue;
  queue.set_name("pages");
  const auto main = [&]() -> Coro<> { co_await queue.get(); };
  EXPECT_EQ(hang_of(main),
            "nothing can ever happen again, and 1 task waits\n"
            "  Task-1 waits for Queue 'pages' (get)");
}

TEST(Step7_Hang, AQueueThatNobodyEmptiesIsNamed) {
  Queue<int> queue(1);
  const auto main = [&]() -> Coro<> {
    co_await queue.put(1);
    co_await queue.put(2);
  };
  EXPECT_EQ(hang_of(main),
            "nothing can ever happen again, and 1 task waits\n"
            "  Task-1 waits for Queue (put)");
}

TEST(Step7_Hang, AnEventAndAFutureThatNobodySetsAreNamed) {
  Event event;
  std::optional<Future<int>> future;
  const auto waits = [&]() -> Coro<> { co_await event.wait(); };
  const auto main = [&]() -> Coro<> {
    asyncio::create_task(waits());
    future = asyncio::get_running_loop().create_future<int>();
    co_await *future;
  };
  EXPECT_EQ(hang_of(main),
            "nothing can ever happen again, and 2 tasks wait\n"
            "  Task-1 waits for a future, asyncio::Future<int>\n"
            "  Task-2 waits for Event");
  future.reset();
}

TEST(Step7_Hang, TwoCirclesAreTwoAndATaskOutsideOfThemIsInNeither) {
  Lock a, b;
  const auto twice = [](Lock& lock) -> Coro<> {
    co_await lock.acquire();
    co_await lock.acquire();
  };
  const auto main = [&]() -> Coro<> {
    const Task<> one = asyncio::create_task(twice(a));
    asyncio::create_task(twice(b));
    co_await one;
  };
  EXPECT_EQ(hang_of(main),
            "nothing can ever happen again, and 3 tasks wait\n"
            "  Task-1 waits for Task-2\n"
            "  Task-2 waits for Lock, held by Task-2\n"
            "  Task-3 waits for Lock, held by Task-3\n"
            "  a circle: Task-2 waits for Task-2\n"
            "  a circle: Task-3 waits for Task-3");
}

TEST(Step7_Hang, ATimerIsNoHang) {
  Event event;
  const auto main = [&]() -> Coro<> {
    asyncio::get_running_loop().call_later(1h, [&] { event.set(); });
    co_await event.wait();
    co_await sleep(1h);
  };
  EXPECT_EQ(hang_of(main), "no hang");
  EXPECT_EQ(hang_of([&]() -> Coro<> {
              event.clear();
              co_await asyncio::get_running_loop().create_future();
            }).substr(0, 29),
            "nothing can ever happen again");
}

TEST(Step7_Hang, WhileAThreadMayPostItIsNoHang) {
  const auto main = []() -> Coro<int> {
    EventLoop& loop = asyncio::get_running_loop();
    Future<int> answer = loop.create_future<int>();
    std::jthread thread;
    {
      const ThreadMayPost promise(loop);
      thread = std::jthread([&] { loop.call_soon_threadsafe([&] { answer.set_result(7); }); });
      co_await answer;
    }
    co_return answer.result();
  };
  EventLoop loop(explain_hangs());
  EXPECT_EQ(loop.run_until_complete(main()), 7);
  Event event;
  EXPECT_THROW(loop.run_until_complete(event.wait()), HangError);  // and now nobody may
}

TEST(Step7_Hang, WhatWasPostedBeforeIsNoHang) {
  EventLoop loop(explain_hangs());
  Event event;
  std::jthread([&] { loop.call_soon_threadsafe([&] { event.set(); }); }).join();
  EXPECT_TRUE(loop.run_until_complete(event.wait()));
  event.clear();
  EXPECT_THROW(loop.run_until_complete(event.wait()), HangError);
}

TEST(Step7_Hang, ACallOnAnExecutorIsNoHang) {
  EventLoop loop(explain_hangs());
  Event event;
  int* const pending = loop.selector().work_elsewhere();  // what chapter 10 counts its calls in
  ASSERT_TRUE(pending);
  ++*pending;
  std::jthread thread;
  loop.call_soon([&] {
    thread = std::jthread([&] {
      loop.call_soon_threadsafe([&] {
        --*pending;
        event.set();
      });
    });
  });
  EXPECT_TRUE(loop.run_until_complete(event.wait()));
  event.clear();
  EXPECT_THROW(loop.run_until_complete(event.wait()), HangError);
}

TEST(Step7_Hang, RunEndsWithTheErrorAndCancelsWhatWaits) {
  Lock lock;
  Log log;
  const auto main = [&]() -> Coro<> {
    co_await lock.acquire();
    try {
      co_await lock.acquire();
    } catch (const CancelledError&) {
      log.push_back("cancelled");
      throw;
    }
  };
  EXPECT_THROW(asyncio::run(main(), {.loop_factory = explaining_loop}), HangError);
  EXPECT_EQ(log, Log{"cancelled"});
}

TEST(Step7_Hang, AfterTheErrorTheLoopCanRunOn) {
  EventLoop loop(explain_hangs(std::make_unique<VirtualTimeSelector>()));
  Event event;
  const Task<bool> waits = loop.create_task(event.wait());
  EXPECT_THROW(loop.run_until_complete(waits), HangError);
  event.set();
  loop.run_until_complete(waits);
  EXPECT_TRUE(waits.result());
}

TEST(Step7_Hang, WithoutASelectorItIsRefused) {
  EXPECT_THROW(explain_hangs(nullptr), std::invalid_argument);
  EXPECT_NE(hang_of([]() -> Coro<> { co_await asyncio::get_running_loop().create_future(); }), "no hang");
}

TEST(Step7_Hang, ACircleBeginsWithTheTaskThatYouComeToFirst) {
  Lock lock;
  std::optional<Task<>> last;
  const auto awaits_last = [&]() -> Coro<> {
    const auto held = co_await lock.scoped();
    co_await *last;
  };
  const auto wants_lock = [&]() -> Coro<> { const auto held = co_await lock.scoped(); };
  const auto main = [&]() -> Coro<> {
    asyncio::create_task(awaits_last());
    last = asyncio::create_task(wants_lock());
    co_await *last;
  };
  EXPECT_EQ(hang_of(main),
            "nothing can ever happen again, and 3 tasks wait\n"
            "  Task-1 waits for Task-3\n"
            "  Task-2 waits for Task-3\n"
            "  Task-3 waits for Lock, held by Task-2\n"
            "  a circle: Task-3 waits for Task-2 waits for Task-3");
  last.reset();
}

TEST(Step7_Hang, EachThingIsCalledByItsKindAndItsName) {
  Semaphore semaphore(0);
  BoundedSemaphore bounded(0);
  Condition condition;
  Barrier barrier(2);
  Queue<int> queue;
  semaphore.set_name("host");
  bounded.set_name("port");
  condition.set_name("changed");
  barrier.set_name("gate");
  queue.set_name("pages");
  const auto waits = [&]() -> Coro<> {
    const auto held = co_await condition.scoped();
    co_await condition.wait();
  };
  const auto main = [&]() -> Coro<> {
    asyncio::create_task(semaphore.acquire());
    asyncio::create_task(bounded.acquire());
    asyncio::create_task(waits());
    asyncio::create_task(barrier.wait());
    queue.put_nowait(1);
    co_await queue.join();
  };
  EXPECT_EQ(hang_of(main),
            "nothing can ever happen again, and 5 tasks wait\n"
            "  Task-1 waits for Queue 'pages' (join)\n"
            "  Task-2 waits for Semaphore 'host'\n"
            "  Task-3 waits for BoundedSemaphore 'port'\n"
            "  Task-4 waits for Condition 'changed'\n"
            "  Task-5 waits for Barrier 'gate'");
}

TEST(Step7_Hang, AChainMayBeLong) {
  constexpr int tasks = 20'000;
  Event event;
  std::vector<Task<>> all;
  const auto body = [&](int number) -> Coro<> {
    if (number == 0) co_await event.wait();
    co_await all[number - 1];
  };
  const auto main = [&]() -> Coro<> {
    for (int i = 0; i < tasks; ++i) all.push_back(asyncio::create_task(body(i)));
    co_await all.back();
  };
  std::string text;
  course::on_a_small_stack([&] { text = hang_of(main); });
  EXPECT_EQ(text.substr(0, text.find('\n')), "nothing can ever happen again, and 20001 tasks wait");
  EXPECT_EQ(text.substr(text.rfind('\n') + 1), "  Task-20001 waits for Task-20000");
  all.clear();
}

TEST(Step7_Hang, WhileNoTaskWaitsItIsNoHang) {
  EventLoop* running = nullptr;
  int selects = 0;
  EventLoop loop(explain_hangs(std::make_unique<CallingSelector>([&] {
    ++selects;
    running->stop();
  })));
  running = &loop;
  loop.run_forever();  // it waits for whoever posts
  EXPECT_EQ(selects, 1);
  Event event;
  EXPECT_EQ(error_of([&] { loop.run_until_complete(event.wait()); }),
            "nothing can ever happen again, and 1 task waits\n  Task-1 waits for Event");
}

TEST(Step7_Hang, AWakeUpThatComesJustBeforeTheWaitIsNoHang) {
  Event event;
  EventLoop loop(explain_hangs(std::make_unique<CallingSelector>([&] { event.set(); })));
  loop.call_soon([&] { loop.selector().wake(); });
  EXPECT_TRUE(loop.run_until_complete(event.wait()));
  event.clear();
  EXPECT_THROW(loop.run_until_complete(event.wait()), HangError);
}

TEST(Step7_Hang, OfTwoThreadsThatMayPostOneIsLeft) {
  Event event;
  EventLoop loop(explain_hangs(std::make_unique<CallingSelector>([&] { event.set(); })));
  {
    const ThreadMayPost one(loop);
    { const ThreadMayPost other(loop); }
    EXPECT_TRUE(loop.run_until_complete(event.wait()));
  }
  event.clear();
  EXPECT_THROW(loop.run_until_complete(event.wait()), HangError);
}
