// Chapter 06, step 8: the way in for other threads.

#include "inject_queue.hpp"
#include "nodes.hpp"

#include <stdexcept>

TEST(Step8_InjectQueue, CollectTakesAllThereIs) {
  asyncio::InjectQueue inject_queue;
  RecordingSelector selector;
  Nodes nodes;
  EXPECT_FALSE(inject_queue.has_posts());
  for (const char name : {'a', 'b'}) inject_queue.post(nodes.make(name), selector);
  EXPECT_TRUE(inject_queue.has_posts());
  ReadyQueue posts = inject_queue.collect();
  EXPECT_FALSE(inject_queue.has_posts()) << "or every pass takes the lock from now on";
  EXPECT_TRUE(inject_queue.collect().empty());
  nodes.run_all(posts);
  EXPECT_EQ(nodes.log, (Log{"a", "b"}));
}

TEST(Step8_InjectQueue, AClosedInjectQueueTakesNothing) {  // AIO-12
  asyncio::InjectQueue inject_queue;
  RecordingSelector selector;
  Nodes nodes;
  inject_queue.post(nodes.make('a'), selector);
  {
    const ReadyQueue left = inject_queue.close();
    EXPECT_FALSE(left.empty());
  }
  EXPECT_EQ(error_of([&] { inject_queue.post(nodes.make('b'), selector); }), "Event loop is closed");
  EXPECT_EQ(nodes.alive, 0);
  EXPECT_TRUE(inject_queue.collect().empty());
}

TEST(Step8_InjectQueue, OnlyASleeperIsWokenAndOnce) {  // AIO-13
  asyncio::InjectQueue inject_queue;
  RecordingSelector selector;
  Nodes nodes;
  inject_queue.post(nodes.make('a'), selector);
  EXPECT_EQ(selector.wakes, 0) << "nobody sleeps";
  EXPECT_FALSE(inject_queue.fall_asleep()) << "something was posted";
  inject_queue.post(nodes.make('b'), selector);
  EXPECT_EQ(selector.wakes, 0) << "it was not allowed to sleep";
  nodes.drop_all(inject_queue.collect());
  EXPECT_TRUE(inject_queue.fall_asleep());
  inject_queue.post(nodes.make('c'), selector);
  inject_queue.post(nodes.make('d'), selector);
  EXPECT_EQ(selector.wakes, 1) << "the first post wakes it, and the second finds it awake";
  nodes.drop_all(inject_queue.collect());
  EXPECT_TRUE(inject_queue.fall_asleep());
  inject_queue.wake_up();
  inject_queue.post(nodes.make('e'), selector);
  EXPECT_EQ(selector.wakes, 1) << "something else has woken it";
}

TEST(Step8_InjectQueue, APostIsRefusedByARuntimeError) {  // AIO-12
  asyncio::InjectQueue inject_queue;
  RecordingSelector selector;
  Nodes nodes;
  nodes.drop_all(inject_queue.close());
  EXPECT_THROW(inject_queue.post(nodes.make('a'), selector), std::runtime_error);
  EXPECT_EQ(nodes.alive, 0) << "what is refused is dropped";
  EXPECT_EQ(selector.wakes, 0);
}
