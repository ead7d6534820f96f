// Chapter 11, step 1: an event, and the queue in which tasks wait.

#include "event.hpp"

#include "support.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

using asyncio::Event;

TEST(Step1_Event, WaitReturnsWhenItIsSet) {  // AIO-83
  VirtualLoop v;
  Event event;
  EXPECT_FALSE(event.is_set());
  start(v, "waits", event.wait());
  v.passes(3);
  EXPECT_EQ(v.log, Log{});
  event.set();
  EXPECT_TRUE(event.is_set());
  EXPECT_EQ(v.log, Log{});  // it runs in the loop, and not in set()
  v.passes(1);
  EXPECT_EQ(v.log, Log{"3 waits"});
}

TEST(Step1_Event, WaitReturnsTrue) {  // AIO-83
  VirtualLoop v;
  Event event;
  const auto body = [&]() -> Coro<bool> { co_return co_await event.wait(); };
  const Task<bool> waits = v.loop.create_task(body());
  v.passes(1);
  event.set();
  const Task<bool> comes_late = v.loop.create_task(body());
  v.passes(1);
  ASSERT_TRUE(waits.done());
  EXPECT_TRUE(waits.result());
  EXPECT_TRUE(comes_late.result());
}

TEST(Step1_Event, WaitOnASetEventDoesNotSuspend) {  // AIO-83
  VirtualLoop v;
  Event event;
  event.set();
  const auto body = [&]() -> Coro<> {
    for (int i = 0; i < 10; ++i) co_await event.wait();
  };
  const Task<> task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_TRUE(task.done());
}

TEST(Step1_Event, SetWakesAllInTheOrderInWhichTheyCame) {  // AIO-83
  VirtualLoop v;
  Event event;
  for (const char* who : {"a", "b", "c"}) start(v, who, event.wait());
  v.passes(1);
  event.set();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 a", "1 b", "1 c"}));
}

TEST(Step1_Event, SettingItTwiceIsAsGoodAsOnce) {  // AIO-83
  VirtualLoop v;
  Event event;
  start(v, "a", event.wait());
  v.passes(1);
  event.set();
  event.set();
  v.passes(2);
  EXPECT_EQ(v.log, Log{"1 a"});
}

TEST(Step1_Event, AfterClearWaitWaitsAgain) {  // AIO-83
  VirtualLoop v;
  Event event;
  event.set();
  event.clear();
  EXPECT_FALSE(event.is_set());
  start(v, "a", event.wait());
  v.passes(2);
  EXPECT_EQ(v.log, Log{});
  event.set();
  v.passes(1);
  EXPECT_EQ(v.log, Log{"2 a"});
}

TEST(Step1_Event, WhoWasWokenReturnsEvenIfItIsClearedAtOnce) {  // AIO-84
  VirtualLoop v;
  Event event;
  start(v, "a", event.wait());
  start(v, "b", event.wait());
  v.passes(1);
  event.set();
  event.clear();
  start(v, "late", event.wait());
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 a", "1 b"}));
}

TEST(Step1_Event, WhoComesAfterSetRunsBeforeThoseWhoWereWoken) {  // AIO-84
  VirtualLoop v;
  Event event;
  start(v, "1", event.wait());
  start(v, "2", event.wait());
  v.passes(1);
  const auto setter = [&]() -> Coro<> {
    event.set();
    co_await event.wait();
    v.note("3");
  };
  v.loop.create_task(setter());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 3", "2 1", "2 2"}));
}

TEST(Step1_Event, ACancelledTaskThrowsAndTheOthersWaitOn) {  // AIO-83
  VirtualLoop v;
  Event event;
  start(v, "a", event.wait());
  Task<> b = start(v, "b", event.wait());
  start(v, "c", event.wait());
  v.passes(1);
  EXPECT_TRUE(b.cancel());
  v.passes(1);
  EXPECT_TRUE(b.cancelled());
  event.set();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 b cancelled", "2 a", "2 c"}));
}

TEST(Step1_Event, ATaskThatIsCancelledAfterItWasWokenThrows) {  // AIO-83
  VirtualLoop v;
  Event event;
  Task<> a = start(v, "a", event.wait());
  v.passes(1);
  event.set();
  EXPECT_TRUE(a.cancel());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 a cancelled"});
}

TEST(Step1_Event, ATaskThatIsCancelledBeforeItWaitsThrowsThere) {  // AIO-83
  VirtualLoop v;
  Event event;
  std::optional<Task<>> task;
  const auto body = [&]() -> Coro<> {
    task->cancel();
    co_await note_when(v, "a", event.wait());
  };
  task = v.loop.create_task(body());
  v.passes(2);
  EXPECT_EQ(v.log, Log{"1 a cancelled"});
  event.set();
  v.passes(1);
  EXPECT_TRUE(task->cancelled());
}

TEST(Step1_Event, ATaskCanWaitAgainAfterItRefusedToBeCancelled) {  // AIO-83
  VirtualLoop v;
  Event event;
  const auto body = [&]() -> Coro<> {
    try {
      co_await event.wait();
    } catch (const CancelledError&) {
      v.note("refused");
    }
    co_await event.wait();
    v.note("set");
  };
  Task<> task = v.loop.create_task(body());
  v.passes(1);
  task.cancel();
  v.passes(1);
  event.set();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 refused", "2 set"}));
}

TEST(Step1_Event, TheAwaitableCanBeATaskOfItsOwn) {
  VirtualLoop v;
  Event event;
  const Task<bool> task = v.loop.create_task(event.wait());
  v.passes(1);
  event.set();
  v.passes(2);
  ASSERT_TRUE(task.done());
  EXPECT_TRUE(task.result());
}

TEST(Step1_Event, OnASecondLoopItIsRefused) {  // AIO-47
  VirtualLoop one;
  VirtualLoop other;
  Event event;
  event.set_name("door");
  start(one, "a", event.wait());
  one.passes(1);
  EXPECT_EQ(error_of_await(other, [&] { return event.wait(); }),
            "Event 'door' is bound to a different event loop");
  event.set();
  one.passes(1);
  EXPECT_EQ(one.log, Log{"1 a"});
}

TEST(Step1_Event, OutsideOfATaskItCannotBeWaitedFor) {
  Event event;
  const auto body = [&]() -> Coro<> { co_await event.wait(); };
  EXPECT_EQ(error_of([&] { asyncio::sync_wait(body()); }), "this can be awaited only in a task");
  event.set();
  EXPECT_EQ(error_of([&] { asyncio::sync_wait(body()); }), "nothing");
}

TEST(Step1_Event, ALoopThatIsClosedLeavesNobodyInTheQueue) {
  Event event;
  {
    VirtualLoop v;
    v.loop.set_exception_handler([](EventLoop&, const asyncio::ExceptionContext&) {});
    start(v, "a", event.wait());
    start(v, "b", event.wait());
    v.passes(1);
  }
  event.set();  // wakes nobody, for they are gone
  EXPECT_TRUE(event.is_set());
}

TEST(Step1_Event, ItMayGoWhileTasksWait) {
  VirtualLoop v;
  alignas(Event) std::array<std::byte, sizeof(Event)> memory;
  Event* const event = std::construct_at(reinterpret_cast<Event*>(memory.data()));
  Task<> a = start(v, "a", event->wait());
  Task<> b = start(v, "b", event->wait());
  v.passes(1);
  std::destroy_at(event);
  memory.fill(std::byte{0xaa});
  a.cancel();
  b.cancel();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "1 b cancelled"}));
  for (const std::byte byte : memory) EXPECT_EQ(byte, std::byte{0xaa});  // nobody has written to where it was
}

TEST(Step1_Event, TwoRequestsInOnePassAreOneError) {
  VirtualLoop v;
  Event event;
  int errors = 0;
  const auto body = [&]() -> Coro<> {
    try {
      co_await event.wait();
    } catch (const CancelledError&) {
      ++errors;
    }
    co_await event.wait();
  };
  Task<> task = v.loop.create_task(body());
  v.passes(1);
  task.cancel();
  task.cancel();
  v.passes(3);
  EXPECT_FALSE(task.done()) << "the second request has come with the first";
  event.set();
  v.passes(5);
  ASSERT_TRUE(task.done());
  EXPECT_FALSE(task.cancelled());
  EXPECT_EQ(errors, 1);
}

TEST(Step1_Event, SetPassesOverThoseWhoWereWokenOrCancelledBefore) {  // AIO-83, AIO-84
  VirtualLoop v;
  Event event;
  Task<> a = start(v, "a", event.wait());
  start(v, "b", event.wait());
  v.passes(1);
  const auto body = [&]() -> Coro<> {
    a.cancel();
    event.set();  // wakes b,
    event.clear();
    co_await event.wait();
    v.note("c");
  };
  v.loop.create_task(body());
  v.loop.call_soon([&] { event.set(); });  // and this c, who stands behind the two
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"2 a cancelled", "2 b", "2 c"}));
}

TEST(Step1_Event, ATaskForWhichThereIsNoMemoryDoesNotStandInTheQueue) {
  course::until_memory_suffices([](course::Memory& memory) {
    VirtualLoop v;
    Event event;
    int without_memory = 0;
    const auto body = [&]() -> Coro<> {
      try {
        co_await event.wait();
      } catch (const std::bad_alloc&) {
        ++without_memory;
      }
    };
    std::vector<Task<>> tasks;
    for (int i = 0; i < 150; ++i) tasks.push_back(v.loop.create_task(body()));
    memory.runs_out_in([&] { v.run_once(); });
    EXPECT_EQ(without_memory, memory.ran_out() ? 1 : 0);
    event.set();
    v.run_once();
    for (const Task<>& task : tasks) EXPECT_TRUE(task.done());
  });
}
