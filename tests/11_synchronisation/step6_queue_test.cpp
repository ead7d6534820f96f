// Chapter 11, step 6: a queue of items between tasks.

#include "queue.hpp"

#include "support.hpp"

#include <memory>
#include <optional>

using asyncio::LifoQueue;
using asyncio::PriorityQueue;
using asyncio::Queue;
using asyncio::QueueEmpty;
using asyncio::QueueFull;

namespace {

/// Takes items out, and notes them.
Coro<> take(VirtualLoop& v, Queue<int>& queue, std::string who, int count = 1) {
  for (int i = 0; i < count; ++i) {
    try {
      const int item = co_await queue.get();
      v.note(who + " " + std::to_string(item));
    } catch (const CancelledError&) {
      v.note(who + " cancelled");
      throw;
    }
  }
}

/// Takes all items out that are there.
template <class Q>
std::vector<int> drain(Q& queue) {
  std::vector<int> items;
  while (!queue.empty()) items.push_back(queue.get_nowait());
  return items;
}

}  // namespace

TEST(Step6_Queue, ItemsComeOutInTheOrderInWhichTheyWentIn) {  // AIO-94
  VirtualLoop v;
  Queue<int> queue;
  EXPECT_TRUE(queue.empty());
  const auto body = [&]() -> Coro<> {
    for (const int item : {1, 3, 2}) co_await queue.put(item);
    for (int i = 0; i < 3; ++i) v.note(std::to_string(co_await queue.get()));
  };
  EXPECT_EQ(error_of_await(v, body), "nothing");
  EXPECT_EQ(v.log, (Log{"0 1", "0 3", "0 2"}));
}

TEST(Step6_Queue, APriorityQueueGivesTheSmallestALifoQueueTheNewest) {  // AIO-94
  VirtualLoop v;
  PriorityQueue<int> smallest;
  LifoQueue<int> newest;
  const auto body = [&]() -> Coro<> {
    for (const int item : {1, 3, 2}) {
      co_await smallest.put(item);
      co_await newest.put(item);
    }
  };
  EXPECT_EQ(error_of_await(v, body), "nothing");
  EXPECT_EQ(drain(smallest), (std::vector{1, 2, 3}));
  EXPECT_EQ(drain(newest), (std::vector{2, 3, 1}));
}

TEST(Step6_Queue, ItHasRoomForMaxsizeItems) {  // AIO-94
  VirtualLoop v;
  Queue<int> queue(2);
  EXPECT_EQ(queue.maxsize(), 2);
  const auto body = [&]() -> Coro<> { co_await queue.put(1); };
  EXPECT_EQ(error_of_await(v, body), "nothing");
  EXPECT_EQ(queue.qsize(), 1u);
  EXPECT_FALSE(queue.full());
  queue.put_nowait(2);
  EXPECT_TRUE(queue.full());
  EXPECT_THROW(queue.put_nowait(3), QueueFull);
  EXPECT_EQ(drain(queue), (std::vector{1, 2}));
  EXPECT_THROW(queue.get_nowait(), QueueEmpty);
}

TEST(Step6_Queue, WithAMaxsizeOfNothingOrLessItHasRoomForAll) {  // AIO-94
  VirtualLoop v;
  Queue<int> queue;
  Queue<int> negative(-1);
  const auto body = [&]() -> Coro<> {
    for (int i = 0; i < 1'000; ++i) {
      co_await queue.put(i);
      co_await negative.put(i);
    }
  };
  const Task<> task = v.loop.create_task(body());
  v.passes(1);
  EXPECT_TRUE(task.done());
  EXPECT_FALSE(queue.full());
  EXPECT_FALSE(negative.full());
}

TEST(Step6_Queue, GetWaitsForAnItem) {  // AIO-94
  VirtualLoop v;
  Queue<int> queue;
  v.loop.create_task(take(v, queue, "a"));
  v.passes(3);
  queue.put_nowait(7);
  EXPECT_EQ(queue.qsize(), 1u);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"3 a 7"});
  EXPECT_EQ(queue.qsize(), 0u);
}

TEST(Step6_Queue, PutWaitsForRoom) {  // AIO-94
  VirtualLoop v;
  Queue<int> queue(1);
  queue.put_nowait(1);
  start(v, "put", queue.put(2));
  v.passes(3);
  EXPECT_EQ(v.log, Log{});
  EXPECT_EQ(queue.get_nowait(), 1);
  EXPECT_EQ(queue.qsize(), 0u);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"3 put"});
  EXPECT_EQ(queue.get_nowait(), 2);
}

TEST(Step6_Queue, ItemsMayBeMoveOnly) {
  VirtualLoop v;
  Queue<std::unique_ptr<int>> queue(1);
  std::unique_ptr<int> got;
  const auto body = [&]() -> Coro<> {
    co_await queue.put(std::make_unique<int>(7));
    got = co_await queue.get();
  };
  EXPECT_EQ(error_of_await(v, body), "nothing");
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 7);
}

TEST(Step6_Queue, AnItemArrivesWholeHoweverOftenItsPutHadToWait) {  // AIO-94, AIO-95
  VirtualLoop v;
  Queue<std::unique_ptr<int>> queue(1);
  queue.put_nowait(nullptr);
  start(v, "put", queue.put(std::make_unique<int>(7)));
  v.passes(1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(queue.get_nowait());
    queue.put_nowait(nullptr);  // before the other one runs
    v.passes(1);
  }
  EXPECT_FALSE(queue.get_nowait());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"3 put"});
  const std::unique_ptr<int> got = queue.get_nowait();
  ASSERT_TRUE(got) << "put() gave its item away before there was room";
  EXPECT_EQ(*got, 7);
}

TEST(Step6_Queue, ThoseWhoWaitGetItemsInTheOrderInWhichTheyCame) {  // AIO-95
  VirtualLoop v;
  Queue<int> queue;
  for (const char* who : {"a", "b", "c"}) v.loop.create_task(take(v, queue, who));
  v.passes(1);
  queue.put_nowait(1);
  queue.put_nowait(2);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 a 1", "1 b 2"}));
  queue.put_nowait(3);
  v.passes(1);
  EXPECT_EQ(v.log.back(), "2 c 3");
}

TEST(Step6_Queue, ThoseWhoWaitForRoomGetItInTheOrderInWhichTheyCame) {  // AIO-95
  VirtualLoop v;
  Queue<int> queue(1);
  queue.put_nowait(0);
  for (int i = 1; i <= 3; ++i) start(v, std::to_string(i), queue.put(i));
  v.passes(1);
  for (int i = 0; i <= 3; ++i) {
    EXPECT_EQ(queue.get_nowait(), i);
    v.passes(1);
  }
  EXPECT_EQ(v.log, (Log{"1 1", "2 2", "3 3"}));
}

TEST(Step6_Queue, OneWhoFindsTheItemTakenWaitsAgain) {  // AIO-95
  VirtualLoop v;
  Queue<int> queue;
  v.loop.create_task(take(v, queue, "a"));
  v.passes(1);
  v.loop.create_task(take(v, queue, "comes now"));  // it runs before a does
  queue.put_nowait(1);
  v.passes(2);
  EXPECT_EQ(v.log, Log{"1 comes now 1"});
  queue.put_nowait(2);
  v.passes(1);
  EXPECT_EQ(v.log.back(), "3 a 2");
}

TEST(Step6_Queue, WhoWaitsAgainDoesSoAtTheEndOfTheLine) {  // AIO-95
  VirtualLoop v;
  Queue<int> queue;
  for (const char* who : {"a", "b"}) v.loop.create_task(take(v, queue, who));
  v.passes(1);
  queue.put_nowait(1);  // for a
  EXPECT_EQ(queue.get_nowait(), 1);
  v.passes(1);
  for (const int item : {2, 3}) queue.put_nowait(item);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"2 b 2", "2 a 3"}));
}

TEST(Step6_Queue, OneWhoFindsTheRoomTakenWaitsAgain) {  // AIO-95
  VirtualLoop v;
  Queue<int> queue(1);
  queue.put_nowait(0);
  start(v, "put", queue.put(2));
  v.passes(1);
  EXPECT_EQ(queue.get_nowait(), 0);
  queue.put_nowait(1);  // before the other one runs
  v.passes(2);
  EXPECT_EQ(v.log, Log{});
  EXPECT_EQ(queue.get_nowait(), 1);
  v.passes(1);
  EXPECT_EQ(v.log, Log{"3 put"});
}

TEST(Step6_Queue, AProducerAndAConsumerAlternateInAQueueOfOne) {  // AIO-95
  VirtualLoop v;
  Queue<int> queue(1);
  const auto produce = [&]() -> Coro<> {
    for (int i = 0; i < 50; ++i) co_await queue.put(i);
  };
  const auto consume = [&]() -> Coro<int> {
    int sum = 0;
    for (int i = 0; i < 50; ++i) sum += co_await queue.get();
    co_return sum;
  };
  const Task<> producer = v.loop.create_task(produce());
  const Task<int> consumer = v.loop.create_task(consume());
  EXPECT_LE(v.passes_until_done(consumer), 101);
  EXPECT_EQ(consumer.result(), 1'225);
  EXPECT_TRUE(producer.done());
}

TEST(Step6_Queue, OnASecondLoopItIsRefusedOnBothSides) {  // AIO-47
  VirtualLoop one;
  VirtualLoop other;
  Queue<int> queue(1);
  one.loop.create_task(take(one, queue, "a"));
  one.passes(1);
  EXPECT_EQ(error_of_await(other, [&] { return queue.get(); }), "Queue is bound to a different event loop");
  queue.put_nowait(1);
  EXPECT_EQ(error_of_await(other, [&] { return queue.put(2); }), "Queue is bound to a different event loop");
}

TEST(Step6_Queue, AnItemForWhichThereIsNoMemoryWasNotPut) {  // AIO-94, AIO-97
  const int failed = course::until_memory_suffices([](course::Memory& memory) {
    VirtualLoop v;
    Queue<int> queue;
    const auto body = [&]() -> Coro<> {
      try {
        for (int i = 0; i < 3'000; ++i) co_await queue.put(i);
      } catch (const std::bad_alloc&) {
        v.note("no memory");
      }
    };
    const Task<> task = v.loop.create_task(body());
    memory.runs_out_in([&] { v.run_once(); });
    ASSERT_TRUE(task.done());
    while (!queue.empty()) {
      queue.get_nowait();
      queue.task_done();
    }
    start(v, "all is done", queue.join());
    v.passes(2);
    EXPECT_EQ(v.log.back(), "1 all is done") << "join() waits for an item that was never put";
  });
  EXPECT_GT(failed, 0);
}
