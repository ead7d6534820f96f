// Chapter 06 under every schedule that matters: see docs/schedule-explorer.md.

#include "event_loop.hpp"
#include "pitfall_hasty_queue.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include "explore.hpp"

using asyncio::EventLoop;
using asyncio::Handle;
using asyncio::HastyQueue;
using asyncio::SleepSelector;
using namespace std::chrono_literals;

// Step 8: what a pass costs.

TEST(Step8_Costs, APassOfABusyLoopTakesNoLockAndNoReadModifyWrite) {
  const auto scenario = [] {
    EventLoop loop;
    loop.call_soon([] {});
    loop.stop();
    loop.run_forever();
    loop.call_soon([] {});
    loop.stop();
    const explore::Costs before = explore::costs();
    loop.run_forever();
    const explore::Costs after = explore::costs();
    EXPECT_EQ(after.locks - before.locks, 0u);
    EXPECT_EQ(after.read_modify_writes - before.read_modify_writes, 0u);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step8_Costs, SettingAndCancellingATimerTakesNoLockAndNoReadModifyWrite) {
  const auto scenario = [] {
    EventLoop loop;
    const auto pass = [&] {
      loop.call_later(-1s, [] {});
      loop.call_later(1h, [] {}).cancel();
      loop.call_soon([] {}).cancel();
      loop.call_soon([] {});
      loop.stop();
      loop.run_forever();
    };
    pass();
    const explore::Costs before = explore::costs();
    pass();
    const explore::Costs after = explore::costs();
    EXPECT_EQ(after.locks - before.locks, 0u);
    EXPECT_EQ(after.read_modify_writes - before.read_modify_writes, 0u);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 4: a sleep that ends.

TEST(Step4_Sleeping, NoWakeUpIsLost) {
  const auto scenario = [] {
    SleepSelector selector;
    std::jthread other([&] { selector.wake(); });
    selector.select(std::nullopt);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_Sleeping, AWakeUpIsForOneSleepAndTheNextWaitsForItsOwn) {
  const auto scenario = [] {
    SleepSelector selector;
    std::atomic<int> woken = 0;
    std::jthread other([&] {
      selector.wake();
      while (woken == 0) woken.wait(0);
      selector.wake();
    });
    selector.select(std::nullopt);
    woken = 1;
    woken.notify_one();
    selector.select(std::nullopt);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_Sleeping, ATimeoutAndAWakeUpMayComeTogether) {
  const auto scenario = [] {
    SleepSelector selector;
    std::jthread other([&] { selector.wake(); });
    selector.select(1ms);
    selector.select(0ms);
  };
  EXPECT_TRUE(explore::survives(scenario, {.timeouts = 2}));
}

// Step 5: posting against falling asleep.

TEST(Step5_Threadsafe, APostWakesTheLoopWhereverItIs) {
  const auto scenario = [] {
    EventLoop loop;
    std::jthread other([&] { loop.call_soon_threadsafe([&] { loop.stop(); }); });
    loop.run_forever();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Threadsafe, TwoThreadsPostAndNothingIsLost) {
  const auto scenario = [] {
    EventLoop loop;
    int calls = 0;
    const auto call = [&] {
      if (++calls == 2) loop.stop();
    };
    std::jthread a([&] { loop.call_soon_threadsafe(call); });
    std::jthread b([&] { loop.call_soon_threadsafe(call); });
    loop.run_forever();
    EXPECT_EQ(calls, 2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Threadsafe, EveryPostOfManyIsSeen) {
  const auto scenario = [] {
    EventLoop loop;
    int calls = 0;
    std::jthread other([&] {
      for (int i = 0; i < 3; ++i)
        loop.call_soon_threadsafe([&] {
          if (++calls == 3) loop.stop();
        });
    });
    loop.run_forever();
    EXPECT_EQ(calls, 3);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Threadsafe, ATimerAndAPostMayWakeTheLoopTogether) {
  const auto scenario = [] {
    EventLoop loop;
    int calls = 0;
    const auto call = [&] {
      if (++calls == 2) loop.stop();
    };
    loop.call_later(1ms, call);
    std::jthread other([&] { loop.call_soon_threadsafe(call); });
    loop.run_forever();
  };
  EXPECT_TRUE(explore::survives(scenario, {.timeouts = 2}));
}

TEST(Step5_Threadsafe, WhatIsPostedMayEndTheLoop) {
  const auto scenario = [] {
    auto loop = std::make_unique<EventLoop>();
    EventLoop& it = *loop;
    std::jthread other([&it] { it.call_soon_threadsafe([&it] { it.stop(); }); });
    loop->run_forever();
    loop.reset();  // the other thread may be on its way out of call_soon_threadsafe()
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Threadsafe, AHandleIsCancelledByAnyThreadWhileTheLoopRunsIt) {
  const auto scenario = [] {
    EventLoop loop;
    int calls = 0;
    Handle handle = loop.call_soon_threadsafe([&, owned = std::make_unique<int>(1)] { calls += *owned; });
    std::jthread other([copy = std::move(handle)]() mutable { copy.cancel(); });
    loop.stop();
    loop.run_forever();
    EXPECT_LE(calls, 1);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step5_Threadsafe, ACallbackOfOneLoopWakesAnother) {
  const auto scenario = [] {
    EventLoop loop;
    std::jthread other([&] {
      EventLoop its_own;
      its_own.call_soon([&] { loop.call_soon_threadsafe([&] { loop.stop(); }); });
      its_own.stop();
      its_own.run_forever();
    });
    loop.run_forever();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 7: the end.

TEST(Step7_Closing, APostRunsOrIsRefusedWhileTheLoopIsClosed) {
  const auto scenario = [] {
    EventLoop loop;
    std::atomic<int> alive = 0;
    {
      std::jthread other([&] {
        try {
          loop.call_soon_threadsafe([token = std::shared_ptr<void>(nullptr, [&](void*) { --alive; })] {});
          // Dropped, for the loop does not run.
        } catch (const std::runtime_error&) {
        }
      });
      ++alive;
      loop.close();
    }
    EXPECT_EQ(alive, 0) << "the callback is destroyed, whatever became of it";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 9: the wake-up that is lost.

TEST(Step9_BreakIt, WhatWasPostedBeforeIsTaken) {
  const auto scenario = [] {
    HastyQueue queue;
    queue.post(7);
    EXPECT_EQ(queue.wait(), 7);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

namespace {

[[maybe_unused]] void a_post_against_a_sleep() {
  HastyQueue queue;
  std::jthread other([&] { queue.post(7); });
  EXPECT_EQ(queue.wait(), 7);
}

}  // namespace

TEST(Step9_BreakIt, WithoutAnInterruptionTheLoopIsWoken) {
  EXPECT_TRUE(explore::survives(a_post_against_a_sleep,
                                {.preemptions = 0, .spurious = 0, .search = explore::Search::systematic}));
}

TEST(Step9_BreakIt, APostBetweenTheLookAndTheSleepIsLost) {
  EXPECT_TRUE(explore::breaks(explore::Failure::deadlock, a_post_against_a_sleep));
}
