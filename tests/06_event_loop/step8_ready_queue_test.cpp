// Chapter 06, step 8: the queue of nodes.

#include "nodes.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <map>
#include <new>

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

TEST(Step8_ReadyQueue, AQueueThatWasEmptiedIsAsGoodAsANewOneWhenItIsAppendedOrAppendedTo) {
  Nodes nodes;
  ReadyQueue queue;
  ReadyQueue other;
  std::vector<Ref<Named>> still_there;
  const auto use = [&](ReadyQueue& used, char name) {
    still_there.push_back(nodes.make(name));
    used.push(still_there.back());
    nodes.run_all(used);
  };
  use(queue, 'a');
  other.push(nodes.make('b'));
  queue.append(std::move(other));
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b"})) << "appended to a queue that was emptied";
  use(other, 'c');
  queue.push(nodes.make('d'));
  queue.append(std::move(other));
  queue.push(nodes.make('e'));
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c", "d", "e"})) << "a queue that was emptied is appended";
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

TEST(Step8_ReadyQueue, ANodeIsTakenOutWhereverItIs) {
  for (const char taken : {'a', 'b', 'c'}) {
    Nodes nodes;
    ReadyQueue queue;
    std::map<char, Ref<Named>> all;
    for (const char name : {'a', 'b', 'c'}) queue.push(all[name] = nodes.make(name));
    EXPECT_EQ(queue.remove(*all[taken]), all[taken]);
    EXPECT_EQ(queue.remove(*all[taken]), nullptr) << "it is not there any more";
    queue.push(nodes.make('d'));
    nodes.run_all(queue);
    Log expected{"a", "b", "c", "d"};
    std::erase(expected, std::string(1, taken));
    EXPECT_EQ(nodes.log, expected);
    all[taken]->drop();
  }
}

TEST(Step8_ReadyQueue, AppendTouchesNoNodeInTheMiddle) {
  /// A node on a page of its own, which can be locked away.
  struct Page {
    const std::size_t size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void lock() const { mprotect(memory, size, PROT_NONE); }
    void unlock() const { mprotect(memory, size, PROT_READ | PROT_WRITE); }
    ~Page() { munmap(memory, size); }
  };
  Nodes nodes;
  const Page pages[2];
  ReadyQueue queues[2];
  Named* middle[2] = {};
  for (std::size_t i = 0; i < 2; ++i) {
    queues[i].push(nodes.make('a'));
    middle[i] = new (pages[i].memory) Named(nodes.log, 'b', nodes.alive);
    middle[i]->ref();  // for its memory is the page's
    queues[i].push(Ref<Operation>::adopt(middle[i]));
    queues[i].push(nodes.make('c'));
  }
  for (const Page& page : pages) page.lock();
  queues[0].append(std::move(queues[1]));  // crashes if it goes through the nodes: a constant number of steps
  for (const Page& page : pages) page.unlock();
  nodes.run_all(queues[0]);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c", "a", "b", "c"}));
}
