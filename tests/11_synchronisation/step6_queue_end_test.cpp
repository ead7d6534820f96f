// Chapter 11, step 6: join(), task_done() and shutdown(): how a queue ends.

#include "queue.hpp"

#include "support.hpp"

using asyncio::Queue;
using asyncio::QueueShutDown;

namespace {

Coro<> take(VirtualLoop& v, Queue<int>& queue, std::string who, bool done = true) {
  try {
    v.note(who + " " + std::to_string(co_await queue.get()));
    if (done) queue.task_done();
  } catch (const QueueShutDown& error) {
    v.note(who + ": " + error.what());
  }
}

}  // namespace

TEST(Step6_QueueEnd, JoinWaitsUntilAllItemsAreDone) {  // AIO-97
  VirtualLoop v;
  Queue<int> queue;
  queue.put_nowait(1);
  queue.put_nowait(2);
  start(v, "join", queue.join());
  v.loop.create_task(take(v, queue, "a"));
  v.passes(3);
  EXPECT_EQ(v.log, Log{"0 a 1"});
  v.loop.create_task(take(v, queue, "b"));
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 a 1", "3 b 2", "4 join"}));
}

TEST(Step6_QueueEnd, JoinOfAQueueThatHasNothingToDoReturnsAtOnce) {  // AIO-97
  VirtualLoop v;
  Queue<int> queue;
  start(v, "join", queue.join());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 join"});
  v.loop.create_task(take(v, queue, "a", false));
  queue.put_nowait(1);
  v.passes(1);
  start(v, "join", queue.join());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 join", "1 a 1"}));  // it is out, but not done
}

TEST(Step6_QueueEnd, AnItemThatIsTakenButNotDoneKeepsJoinWaiting) {  // AIO-97
  VirtualLoop v;
  Queue<int> queue;
  queue.put_nowait(1);
  v.loop.create_task(take(v, queue, "a", false));
  start(v, "join", queue.join());
  v.passes(3);
  EXPECT_EQ(v.log, Log{"0 a 1"});
  queue.task_done();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a 1", "3 join"}));
}

TEST(Step6_QueueEnd, TaskDoneTooOftenIsAnError) {  // AIO-97
  VirtualLoop v;
  Queue<int> queue;
  EXPECT_THROW(queue.task_done(), std::invalid_argument);
  EXPECT_EQ(error_of_await(v, [&] { return queue.put(1); }), "nothing");
  queue.task_done();
  EXPECT_EQ(error_of([&] { queue.task_done(); }), "task_done() called too many times");
}

TEST(Step6_QueueEnd, AfterShutdownNothingGoesIn) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue;
  queue.shutdown();
  EXPECT_THROW(queue.put_nowait(1), QueueShutDown);
  EXPECT_EQ(error_of_await(v, [&] { return queue.put(1); }), "the queue was shut down");
}

TEST(Step6_QueueEnd, WhatIsInItComesOutAndThenTheError) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue;
  queue.put_nowait(1);
  queue.put_nowait(2);
  queue.shutdown();
  for (const char* who : {"a", "b", "c"}) v.loop.create_task(take(v, queue, who));
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a 1", "0 b 2", "0 c: the queue was shut down"}));
  EXPECT_THROW(queue.get_nowait(), QueueShutDown);
}

TEST(Step6_QueueEnd, ThoseWhoWaitForAnItemAreReleased) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue;
  for (const char* who : {"a", "b"}) v.loop.create_task(take(v, queue, who));
  v.passes(1);
  queue.shutdown();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 a: the queue was shut down", "1 b: the queue was shut down"}));
}

TEST(Step6_QueueEnd, ThoseWhoWaitForRoomAreReleased) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue(1);
  queue.put_nowait(0);
  start(v, "1", queue.put(1));
  start(v, "2", queue.put(2));
  v.passes(1);
  queue.shutdown();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"1 1: the queue was shut down", "1 2: the queue was shut down"}));
  EXPECT_EQ(queue.get_nowait(), 0);
}

TEST(Step6_QueueEnd, EvenIfThereIsRoomByThenTheyPutNothingIn) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue(1);
  queue.put_nowait(0);
  start(v, "1", queue.put(1));
  v.passes(1);
  EXPECT_EQ(queue.get_nowait(), 0);
  queue.shutdown();
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 1: the queue was shut down"});
  EXPECT_TRUE(queue.empty());
}

TEST(Step6_QueueEnd, AtOnceDropsWhatIsInIt) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue(2);
  queue.put_nowait(0);
  queue.put_nowait(1);
  start(v, "put", queue.put(2));
  v.passes(1);
  queue.shutdown({.immediate = true});
  EXPECT_TRUE(queue.empty());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 put: the queue was shut down"});
  EXPECT_THROW(queue.get_nowait(), QueueShutDown);
}

TEST(Step6_QueueEnd, WhatIsDroppedCountsAsDoneForJoin) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue;
  v.loop.run_until_complete(queue.put(0));
  queue.put_nowait(1);
  start(v, "join", queue.join());
  v.passes(1);
  queue.shutdown({.immediate = true});
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 join"});
  EXPECT_EQ(error_of([&] { queue.task_done(); }), "task_done() called too many times");
}

TEST(Step6_QueueEnd, WhatWasTakenOutBeforeMustStillBeDone) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue;
  queue.put_nowait(0);
  queue.put_nowait(1);
  v.loop.create_task(take(v, queue, "a", false));
  start(v, "join", queue.join());
  v.passes(1);
  queue.shutdown({.immediate = true});
  v.passes(2);
  EXPECT_EQ(v.log, Log{"0 a 0"});
  queue.task_done();
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 a 0", "3 join"}));
}

TEST(Step6_QueueEnd, WithoutItWhatIsLeftKeepsJoinWaiting) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue;
  v.loop.run_until_complete(queue.put(0));
  start(v, "join", queue.join());
  v.passes(1);
  queue.shutdown();
  v.passes(2);
  EXPECT_EQ(v.log, Log{});
  EXPECT_EQ(queue.get_nowait(), 0);
  queue.task_done();
  v.passes(1);
  EXPECT_EQ(v.log, Log{"3 join"});
}

TEST(Step6_QueueEnd, ShuttingItDownTwiceIsAsGoodAsOnce) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue;
  v.loop.run_until_complete(queue.put(0));
  queue.shutdown();
  queue.shutdown({.immediate = true});
  EXPECT_TRUE(queue.empty());
  queue.shutdown();
  start(v, "join", queue.join());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 join"});
}

TEST(Step6_QueueEnd, WhatWasDoneBeforeItWasDroppedIsDoneOnce) {  // AIO-98
  VirtualLoop v;
  Queue<int> queue;
  EXPECT_EQ(error_of_await(v, [&] { return queue.put(1); }), "nothing");
  queue.task_done();  // of an item that nobody has taken out
  queue.shutdown({.immediate = true});
  EXPECT_EQ(error_of([&] { queue.task_done(); }), "task_done() called too many times");
  start(v, "join", queue.join());
  v.passes(1);
  EXPECT_EQ(v.log, Log{"1 join"});
}
