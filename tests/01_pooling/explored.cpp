// Chapter 01 under every schedule that matters: see docs/schedule-explorer.md.

#include "blocking_queue.hpp"
#include "drop_reason.hpp"
#include "pitfall_lossy_mailbox.hpp"
#include "thread_pool.hpp"

#include <atomic>
#include <exception>
#include <latch>
#include <optional>
#include <thread>
#include <utility>

#include "explore.hpp"

using concurrent::BlockingQueue;
using concurrent::Closed;
using concurrent::ThreadPool;

// Step 2: pop waits for an item, push waits for room.

TEST(Step2_Waiting, WheneverItemsComeEachPopGetsOne) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::optional<int> first, second;
    std::jthread a([&] { first = queue.pop(); });
    std::jthread b([&] { second = queue.pop(); });
    queue.push(1);
    queue.push(2);
    a.join();
    b.join();
    EXPECT_EQ(first.value_or(0) + second.value_or(0), 3);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Waiting, APopWhoseItemIsTakenAwayWaitsOn) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::optional<int> popped, tried;
    std::jthread consumer([&] { popped = queue.pop(); });
    std::jthread thief([&] { tried = queue.try_pop(); });
    queue.push(1);
    thief.join();
    if (tried) queue.push(2);
    consumer.join();
    EXPECT_TRUE(popped) << "pop() came back without an item";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Waiting, WheneverRoomComesEachPushGoesOn) {
  const auto scenario = [] {
    BlockingQueue<int> queue(1);
    std::jthread a([&] { queue.push(1); });
    std::jthread b([&] { queue.push(2); });
    const int first = queue.pop().value_or(0), second = queue.pop().value_or(0);
    EXPECT_EQ(first + second, 3);
    EXPECT_EQ(queue.size(), 0u);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Waiting, APushWhoseRoomIsTakenAwayWaitsOn) {
  const auto scenario = [] {
    BlockingQueue<int> queue(1);
    queue.push(1);
    std::jthread a([&] { queue.push(2); });
    std::jthread thief([&] { queue.push(3); });
    int sum = queue.pop().value_or(0);
    EXPECT_LE(queue.size(), 1u) << "there are more items than places: a push() went on without room";
    sum += queue.pop().value_or(0);
    sum += queue.pop().value_or(0);
    EXPECT_EQ(sum, 6);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Waiting, ItemsKeepTheirOrderHoweverPushAndPopMeet) {
  const auto scenario = [] {
    BlockingQueue<int> queue(2);
    std::jthread producer([&] {
      for (int i = 1; i <= 3; ++i) queue.push(i);
    });
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(queue.pop(), i);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 3: closing.

TEST(Step3_Closing, WheneverItIsClosedEveryPopReturns) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    std::jthread a([&] { EXPECT_FALSE(queue.pop()); });
    std::jthread b([&] { EXPECT_FALSE(queue.pop()); });
    queue.close();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Closing, AnItemIsPoppedOrRefusedWheneverItIsClosed) {
  const auto scenario = [] {
    BlockingQueue<int> queue;
    bool refused = false;
    std::optional<int> got;
    std::jthread producer([&] {
      try {
        queue.push(1);
      } catch (const Closed&) {
        refused = true;
      }
    });
    std::jthread consumer([&] { got = queue.pop(); });
    queue.close();
    producer.join();
    consumer.join();
    EXPECT_NE(got.has_value(), refused) << "an item that is not refused comes out, even if it is closed then";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step3_Closing, WheneverItIsClosedAPushThatWaitsReturns) {
  const auto scenario = [] {
    BlockingQueue<int> queue(1);
    queue.push(1);
    std::jthread producer([&] { EXPECT_THROW(queue.push(2), Closed); });
    queue.close();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 4: workers.

TEST(Step4_Workers, EveryJobRunsOnceWhoeverPostsIt) {
  const auto scenario = [] {
    std::atomic<int> ran = 0;
    {
      ThreadPool pool{{.max_workers = 2}};
      std::jthread other([&] { pool.post([&] { ++ran; }); });
      pool.post([&] { ++ran; });
    }
    EXPECT_EQ(ran, 2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_Workers, JobsThatWaitForEachOtherEachGetAWorker) {
  const auto scenario = [] {
    std::latch both(2);
    ThreadPool pool{{.max_workers = 2}};
    pool.post([] {});  // its worker may be idle, or not yet, when the next two come
    std::jthread other([&] { pool.post([&] { both.arrive_and_wait(); }); });
    pool.post([&] { both.arrive_and_wait(); });
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 5: shutting down.

TEST(Step5_Shutdown, APostEitherRunsOrThrowsWheneverShutdownComes) {
  const auto scenario = [] {
    std::atomic<int> ran = 0;
    bool refused = false;
    ThreadPool pool{{.max_workers = 2}};
    std::jthread poster([&] {
      try {
        pool.post([&] { ++ran; });
      } catch (const concurrent::ExecutorShutdown&) {
        refused = true;
      }
    });
    pool.shutdown();
    poster.join();
    pool.shutdown();
    EXPECT_EQ(ran, refused ? 0 : 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Shutdown, EveryShutdownThatWaitsFindsTheWorkersEnded) {
  const auto scenario = [] {
    int result = 0;
    ThreadPool pool{{.max_workers = 1}};
    pool.post([&] { result = 1; });
    const auto end = [&] {
      pool.shutdown();
      EXPECT_EQ(result, 1);
    };
    std::jthread other(end);
    end();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Shutdown, AJobOfABrokenPoolRunsOrIsDestroyed) {
  const auto scenario = [] {
    struct Counted {
      explicit Counted(std::atomic<int>& alive) : alive(&alive) { ++alive; }
      Counted(Counted&& other) noexcept : alive(std::exchange(other.alive, nullptr)) {}
      ~Counted() {
        if (alive) --*alive;
      }
      std::atomic<int>* alive;
    };
    std::atomic<int> alive = 0;
    ThreadPool pool{{.max_workers = 1, .initializer = [] { throw 1; }}};
    pool.set_exception_handler([](std::exception_ptr) {});
    for (int i = 0; i < 2; ++i) {
      try {
        pool.post([counted = Counted(alive)] {});
      } catch (const concurrent::BrokenThreadPool&) {
      }
    }
    pool.shutdown();
    EXPECT_EQ(alive, 0) << "nobody would ever run it";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Shutdown, WhoeverDropsTheJobsOfABrokenPoolTellsTheSameReason) {
  const auto scenario = [] {
    struct Asks {
      explicit Asks(std::exception_ptr& reason) : reason(&reason) {}
      Asks(Asks&& other) noexcept : reason(std::exchange(other.reason, nullptr)) {}
      ~Asks() {
        if (reason) *reason = concurrent::DropReason::current();
      }
      std::exception_ptr* reason;
    };
    std::exception_ptr first, second;
    ThreadPool pool{{.max_workers = 2, .initializer = [] { throw 1; }}};
    pool.set_exception_handler([](std::exception_ptr) {});
    for (std::exception_ptr* reason : {&first, &second}) {
      try {
        pool.post([asks = Asks(*reason)] {});
      } catch (const concurrent::BrokenThreadPool&) {
      }
    }
    pool.shutdown();
    if (!first || !second) return;
    EXPECT_TRUE(first == second) << "two workers failed, each with an error of its own";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 7: break it.

TEST(Step7_BreakIt, ALetterThatIsThereIsTaken) {
  const auto scenario = [] {
    concurrent::LossyMailbox mailbox;
    mailbox.put(7);
    EXPECT_EQ(mailbox.take(), 7);
    mailbox.put(8);
    EXPECT_EQ(mailbox.take(), 8);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step7_BreakIt, IfNobodyIsInterruptedALetterIsTaken) {
  const auto scenario = [] {
    concurrent::LossyMailbox mailbox;
    std::jthread reader([&] { EXPECT_EQ(mailbox.take(), 7); });
    mailbox.put(7);
  };
  EXPECT_TRUE(explore::survives(scenario, {.preemptions = 0, .search = explore::Search::systematic}));
}

TEST(Step7_BreakIt, TwoInterruptionsLoseTheWakeUp) {
  const auto scenario = [] {
    concurrent::LossyMailbox mailbox;
    std::jthread reader([&] { EXPECT_EQ(mailbox.take(), 7); });
    mailbox.put(7);
  };
  EXPECT_TRUE(explore::breaks(explore::Failure::deadlock, scenario,
                              {.preemptions = 2, .spurious = 0, .search = explore::Search::systematic}));
}
