// Chapter 11, step 6: whoever waits at a queue is cancelled, at each point where that can be.

#include "queue.hpp"

#include "support.hpp"

#include <optional>

using asyncio::Queue;

namespace {

Coro<> take(VirtualLoop& v, Queue<int>& queue, std::string who) {
  try {
    v.note(who + " " + std::to_string(co_await queue.get()));
  } catch (const CancelledError&) {
    v.note(who + " cancelled");
    throw;
  }
}

}  // namespace

TEST(Step6_QueueCancelled, AGetterThatIsCancelledLeavesTheQueue) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue;
  Task<> a = v.loop.create_task(take(v, queue, "a"));
  v.loop.create_task(take(v, queue, "b"));
  v.passes(1);
  a.cancel();
  v.passes(1);
  queue.put_nowait(1);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "2 b 1"}));
}

TEST(Step6_QueueCancelled, AGetterThatWasWokenPassesTheWakeUpOn) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue;
  Task<> a = v.loop.create_task(take(v, queue, "a"));
  v.loop.create_task(take(v, queue, "b"));
  v.passes(1);
  queue.put_nowait(1);
  a.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "2 b 1"}));
}

TEST(Step6_QueueCancelled, TheItemStaysWhereItIs) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue;
  Task<> a = v.loop.create_task(take(v, queue, "a"));
  v.passes(1);
  queue.put_nowait(1);
  queue.put_nowait(2);
  a.cancel();
  v.passes(1);
  EXPECT_EQ(queue.qsize(), 2u);
  EXPECT_EQ(queue.get_nowait(), 1);
  EXPECT_EQ(queue.get_nowait(), 2);
}

TEST(Step6_QueueCancelled, OneThatIsCancelledBeforeTheItemComesIsNotWoken) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue;
  Task<> a = v.loop.create_task(take(v, queue, "a"));
  v.loop.create_task(take(v, queue, "b"));
  v.passes(1);
  a.cancel();
  queue.put_nowait(1);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "1 b 1"}));
}

TEST(Step6_QueueCancelled, AWakeUpForAnItemThatIsGoneIsNotPassedOn) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue;
  Task<> a = v.loop.create_task(take(v, queue, "a"));
  for (const char* who : {"b", "c"}) v.loop.create_task(take(v, queue, who));
  v.passes(1);
  queue.put_nowait(1);
  EXPECT_EQ(queue.get_nowait(), 1);
  a.cancel();
  v.passes(3);
  EXPECT_EQ(v.log, Log{"1 a cancelled"});
  queue.put_nowait(2);
  v.passes(1);
  EXPECT_EQ(v.log.back(), "4 b 2") << "whoever is woken in vain goes to the end of the line";
}

TEST(Step6_QueueCancelled, IfTheNextInLineWasWokenTooTheItemIsForTheOneBehind) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue;
  Task<> a = v.loop.create_task(take(v, queue, "a"));
  for (const char* who : {"b", "c"}) v.loop.create_task(take(v, queue, who));
  v.passes(1);
  queue.put_nowait(1);
  queue.put_nowait(2);
  a.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 a cancelled", "1 b 1", "2 c 2"})) << "c waits beside an item";
}

TEST(Step6_QueueCancelled, APutThatIsCancelledAddsNothing) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue(1);
  queue.put_nowait(0);
  Task<> one = start(v, "1", queue.put(1));
  start(v, "2", queue.put(2));
  v.passes(1);
  one.cancel();
  v.passes(1);
  EXPECT_EQ(queue.get_nowait(), 0);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 1 cancelled", "2 2"}));
  EXPECT_EQ(queue.get_nowait(), 2);
  EXPECT_TRUE(queue.empty());
}

TEST(Step6_QueueCancelled, APutThatWasWokenPassesTheRoomOn) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue(1);
  queue.put_nowait(0);
  Task<> one = start(v, "1", queue.put(1));
  start(v, "2", queue.put(2));
  v.passes(1);
  EXPECT_EQ(queue.get_nowait(), 0);
  one.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 1 cancelled", "2 2"}));
  EXPECT_EQ(queue.get_nowait(), 2);
}

TEST(Step6_QueueCancelled, RoomThatIsTakenIsNotPassedOn) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue(1);
  queue.put_nowait(0);
  Task<> one = start(v, "1", queue.put(1));
  for (const int item : {2, 3}) start(v, std::to_string(item), queue.put(item));
  v.passes(1);
  EXPECT_EQ(queue.get_nowait(), 0);
  queue.put_nowait(7);
  one.cancel();
  v.passes(3);
  EXPECT_EQ(v.log, Log{"1 1 cancelled"});
  EXPECT_EQ(queue.get_nowait(), 7);
  v.passes(1);
  EXPECT_EQ(v.log.back(), "4 2") << "whoever is woken in vain goes to the end of the line";
}

TEST(Step6_QueueCancelled, IfTheNextInLineWasWokenTooTheRoomIsForTheOneBehind) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue(2);
  for (int i = 0; i < 2; ++i) queue.put_nowait(0);
  Task<> one = start(v, "1", queue.put(1));
  for (const int item : {2, 3}) start(v, std::to_string(item), queue.put(item));
  v.passes(1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(queue.get_nowait(), 0);
  one.cancel();
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 1 cancelled", "1 2", "2 3"})) << "3 waits beside an empty place";
}

TEST(Step6_QueueCancelled, AJoinThatIsCancelledLeavesTheOthersWaiting) {  // AIO-97
  VirtualLoop v;
  Queue<int> queue;
  queue.put_nowait(1);
  Task<> one = start(v, "1", queue.join());
  start(v, "2", queue.join());
  const Task<> getter = v.loop.create_task(take(v, queue, "a"));
  v.passes(1);
  one.cancel();
  v.passes(1);
  queue.task_done();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a 1", "1 1 cancelled", "2 2"}));
}

// Three producers and three consumers, one of whom is cancelled, in every pass in turn: each item that was
// put is taken once, and in order.
TEST(Step6_QueueCancelled, NoItemIsLostOrDoubledWhoeverIsCancelledAndWhenever) {  // AIO-96
  for (int who = 0; who < 6; ++who) {
    for (int when = 0; when < 16; ++when) {
      VirtualLoop v;
      Queue<int> queue(1);
      std::vector<int> put, got;
      const auto produce = [&](int first) -> Coro<> {
        for (int i = 0; i < 3; ++i) {
          co_await queue.put(first + i);
          put.push_back(first + i);
        }
      };
      const auto consume = [&]() -> Coro<> {
        while (true) got.push_back(co_await queue.get());
      };
      std::vector<Task<>> all;
      for (const int first : {10, 20, 30}) all.push_back(v.loop.create_task(produce(first)));
      for (int i = 0; i < 3; ++i) all.push_back(v.loop.create_task(consume()));
      while (v.pass < 40) {
        if (v.pass == when) v.loop.call_soon([&] { all[who].cancel(); });
        v.run_once();
      }
      EXPECT_EQ(got, put) << who << " was cancelled in pass " << when;
      EXPECT_TRUE(queue.empty());
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(all[i].done()) << who << " was cancelled in pass " << when;
    }
  }
}

TEST(Step6_QueueCancelled, AGetThatWasNotWokenWakesNobody) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue;
  Log got;
  const auto take = [&](std::string who) -> Coro<> {
    const int item = co_await queue.get();
    got.push_back(who + " " + std::to_string(item));
  };
  std::vector<Task<>> tasks;
  for (const char* who : {"a", "b", "c", "d"}) tasks.push_back(v.loop.create_task(take(who)));
  v.passes(1);
  tasks[1].cancel();
  queue.put_nowait(1);  // for a
  v.passes(3);
  queue.put_nowait(2);
  v.passes(3);
  queue.put_nowait(3);
  v.passes(3);
  EXPECT_EQ(got, (Log{"a 1", "c 2", "d 3"})) << "whoever is woken in vain goes to the end of the line";
}

TEST(Step6_QueueCancelled, APutThatWasNotWokenWakesNobody) {  // AIO-96
  VirtualLoop v;
  Queue<int> queue(1);
  queue.put_nowait(0);
  std::vector<Task<>> tasks;
  for (int i = 1; i <= 4; ++i) tasks.push_back(start(v, std::to_string(i), queue.put(i)));
  v.passes(1);
  tasks[1].cancel();
  EXPECT_EQ(queue.get_nowait(), 0);  // room for 1
  v.passes(3);
  for (const int item : {1, 3, 4}) {
    EXPECT_EQ(queue.get_nowait(), item) << "whoever is woken in vain goes to the end of the line";
    v.passes(3);
  }
}
