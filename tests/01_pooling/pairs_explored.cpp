// Chapter 01: any two members may be called at the same time.

#include "blocking_queue.hpp"
#include "thread_pool.hpp"

#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

#include "meet.hpp"

using concurrent::BlockingQueue;
using concurrent::Closed;
using concurrent::ExecutorShutdown;
using concurrent::ThreadPool;
using course::any_two_meet;

namespace {

/// A queue with three items.
struct WithQueue {
  BlockingQueue<int> queue{8};

  WithQueue() {
    for (int item = 1; item <= 3; ++item) queue.push(int(item));
  }
  void push() {
    try {
      queue.push(5);
    } catch (const Closed&) {
    }
  }
  void check() {
    const std::size_t size = queue.size();
    std::size_t popped = 0;
    while (queue.try_pop()) ++popped;
    EXPECT_EQ(popped, size);
  }
};

/// A queue with items at both ends, if it has two.
struct WithBothEnds : WithQueue {
  WithBothEnds() {
    queue.try_pop();
    queue.push(4);
  }
};

/// All that may be done to a queue of at least two items.
template <class Fixture>
const std::vector<course::Operation<Fixture>> queue_operations{
    {"push()", [](Fixture& it) { it.push(); }},
    {"pop()", [](Fixture& it) { EXPECT_TRUE(it.queue.pop()); }},
    {"try_pop()", [](Fixture& it) { EXPECT_TRUE(it.queue.try_pop()); }},
    {"size()", [](Fixture& it) { EXPECT_LE(it.queue.size(), 5u); }},
    {"idle()", [](Fixture& it) { EXPECT_EQ(it.queue.idle(), 0u); }},
    {"close()", [](Fixture& it) { it.queue.close(); }},
    {"closed()",
     [](Fixture& it) {
       if (it.queue.closed()) it.push();
     }},
};

struct WithPool {
  ThreadPool pool{{.max_workers = 2}};

  WithPool() { post(); }
  void post() {
    try {
      pool.post([] {});
    } catch (const ExecutorShutdown&) {
    }
  }
  void check() {}
};

}  // namespace

TEST(Step3_Closing, AnyTwoMembersOfAQueueMayBeCalledAtTheSameTime) {
  any_two_meet<WithQueue>(queue_operations<WithQueue>);
}

TEST(Step6_MakeItFast, AnyTwoMembersMayBeCalledAtTheSameTimeWhereverTheItemsAre) {
  any_two_meet<WithQueue>(queue_operations<WithQueue>);  // whoever takes the first takes over all
  any_two_meet<WithBothEnds>(queue_operations<WithBothEnds>);
}

TEST(Step5_Shutdown, AnyTwoMembersOfAPoolMayBeCalledAtTheSameTime) {
  any_two_meet<WithPool>(
      {
          {"post()", [](WithPool& it) { it.post(); }},
          {"threads_started()", [](WithPool& it) { EXPECT_GE(it.pool.threads_started(), 1u); }},
          {"shutdown()", [](WithPool& it) { it.pool.shutdown(); }},
          {"shutdown() that drops",
           [](WithPool& it) { it.pool.shutdown({.wait = false, .drop_pending = true}); }},
          {"set_exception_handler()",
           [](WithPool& it) { it.pool.set_exception_handler([](std::exception_ptr) {}); }},
      },
      {.schedules = 300});
}

TEST(Step6_MakeItFast, NobodySleepsBesideAnItemThatAnotherPopBringsOver) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::jthread a([&] { EXPECT_TRUE(queue.pop()); });
    std::jthread b([&] { EXPECT_TRUE(queue.pop()); });
    queue.push(1);
    queue.push(2);
    queue.try_pop();  // the other item is at the head now
    queue.push(3);
    queue.push(4);
    queue.try_pop();  // brings over the last, while a pop() that was woken may have seen none at the head
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Two in one window: the second must not rely on what the first has told.

TEST(Step2_Waiting, TwoPopsInARowLetTwoPushesIn) {
  const auto scenario = [] {
    BlockingQueue<int> queue(2);
    queue.push(1);
    queue.push(2);
    std::jthread a([&] { queue.push(3); });
    std::jthread b([&] { queue.push(4); });
    queue.pop();
    queue.pop();
    a.join();
    b.join();
    EXPECT_EQ(queue.size(), 2u);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Waiting, TwoPushesInARowAreForTwoPops) {
  const auto scenario = [] {
    BlockingQueue<int> queue(2);
    std::jthread a([&] { EXPECT_TRUE(queue.pop()); });
    std::jthread b([&] { EXPECT_TRUE(queue.pop()); });
    queue.push(1);
    queue.push(2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Waiting, PopsAndPushesThatWaitAtTheSameTimeAllGoOn) {
  const auto scenario = [] {
    BlockingQueue<int> queue(1);
    std::jthread a([&] { EXPECT_TRUE(queue.pop()); });
    std::jthread b([&] { EXPECT_TRUE(queue.pop()); });
    std::jthread c([&] { queue.push(1); });
    queue.push(2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Waiting, IdleCountsThePopsForWhichThereIsNoItem) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::jthread a([&] { queue.pop(); });
    std::jthread b([&] { queue.pop(); });
    std::jthread c([&] { queue.pop(); });
    while (queue.idle() < 3) std::this_thread::yield();
    for (std::size_t left : {2, 1, 0, 0}) {
      queue.push(1);
      const std::size_t idle = queue.idle();
      EXPECT_LE(idle, left) << "each item is for one of the sleepers";
      if (explore::active()) {
        EXPECT_EQ(idle, left) << "none of the sleepers has woken up yet";
      }
    }
  };
  // Nobody is interrupted, so the sleepers go on only when all has been pushed.
  EXPECT_TRUE(
      explore::survives(scenario, {.preemptions = 0, .spurious = 0, .search = explore::Search::systematic}));
}

TEST(Step2_Waiting, IdleDoesNotCountOnTheItemOfOneThatIsOnItsWay) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::jthread a([&] { queue.pop(); });
    std::jthread b([&] { queue.pop(); });
    while (queue.idle() < 2) std::this_thread::yield();
    queue.push(1);
    EXPECT_EQ(queue.idle(), 1u) << "one of the two has an item, wherever it is, and the other has none";
    queue.push(2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}
