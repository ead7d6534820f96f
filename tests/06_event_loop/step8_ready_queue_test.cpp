// Chapter 06, step 8: the queue of nodes.

#include "nodes.hpp"

TEST(Step8_ReadyQueue, NodesComeOutInTheOrderInWhichTheyWentIn) {
  Nodes nodes;
  ReadyQueue queue;
  for (const char name : {'a', 'b', 'c'}) queue.push(nodes.make(name));
  EXPECT_FALSE(queue.empty());
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c"}));
}

TEST(Step8_ReadyQueue, AnEmptyQueueGivesNullAndStaysUsable) {
  Nodes nodes;
  ReadyQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop(), nullptr);
  for (int round = 0; round < 3; ++round) {
    queue.push(nodes.make('a'));
    queue.push(nodes.make('b'));
    nodes.run_all(queue);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.pop(), nullptr);
  }
  EXPECT_EQ(nodes.log, (Log{"a", "b", "a", "b", "a", "b"}));
}

TEST(Step8_ReadyQueue, PushAndPopMayAlternate) {
  Nodes nodes;
  ReadyQueue queue;
  queue.push(nodes.make('0'));
  for (const char name : {'1', '2', '3', '4', '5'}) {
    queue.push(nodes.make(name));
    const Ref<Operation> node = queue.pop();
    node->run();
  }
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"0", "1", "2", "3", "4", "5"}));
}

TEST(Step8_ReadyQueue, AppendMovesAllNodesToTheEnd) {
  Nodes nodes;
  ReadyQueue queue;
  ReadyQueue other;
  queue.push(nodes.make('a'));
  other.push(nodes.make('b'));
  other.push(nodes.make('c'));
  queue.append(std::move(other));
  EXPECT_TRUE(other.empty());
  queue.push(nodes.make('d'));
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c", "d"}));
}

TEST(Step8_ReadyQueue, EitherMayBeEmptyWhenOneIsAppended) {
  Nodes nodes;
  ReadyQueue queue;
  ReadyQueue other;
  queue.append(std::move(other));
  EXPECT_TRUE(queue.empty());
  other.push(nodes.make('a'));
  queue.append(std::move(other));
  queue.append(ReadyQueue());
  queue.push(nodes.make('b'));
  other.push(nodes.make('c'));
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b"}));
  nodes.run_all(other);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c"}));
}

TEST(Step8_ReadyQueue, ANodeThatWasTakenOutMayGoIntoAnotherQueue) {
  Nodes nodes;
  ReadyQueue queue;
  ReadyQueue other;
  for (const char name : {'a', 'b', 'c'}) queue.push(nodes.make(name));
  other.push(queue.pop());
  nodes.run_all(other);
  EXPECT_EQ(nodes.log, Log{"a"}) << "nothing follows what was pushed last";
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c"}));
}

TEST(Step8_ReadyQueue, NoneOfItAllocates) {
  Nodes nodes;
  const Ref<Named> a = nodes.make('a');
  const Ref<Named> b = nodes.make('b');
  ReadyQueue queue;
  EXPECT_EQ(course::allocations_in([&] {
              ReadyQueue other;
              queue.push(a);
              other.push(b);
              queue.append(std::move(other));
              EXPECT_EQ(queue.pop(), a);
              EXPECT_EQ(queue.pop(), b);
            }),
            0u);
}

TEST(Step8_ReadyQueue, TheEndOfAQueueIsTheEndOfItsNodes) {
  Nodes nodes;
  {
    ReadyQueue queue;
    queue.push(nodes.make('a'));
    queue.push(nodes.make('b'));
    EXPECT_EQ(nodes.alive, 2);
  }
  EXPECT_EQ(nodes.alive, 0);
  EXPECT_EQ(nodes.log, Log());
}
