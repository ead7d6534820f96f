// Chapter 07 under every schedule that matters: see docs/schedule-explorer.md.

#include "pitfall_hasty_waker.hpp"
#include "reactor.hpp"

#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "explore.hpp"

using asyncio::EpollSelector;
using asyncio::EventLoop;
using asyncio::HastyWaker;

// Step 2: a loop that sleeps in epoll.

TEST(Step2_Epoll, NoWakeUpIsLost) {
  const auto scenario = [] {
    EpollSelector selector;
    std::jthread other([&] { selector.wake(); });
    selector.select(std::nullopt);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Epoll, EveryPostArrivesWhereverTheLoopIs) {  // AIO-13
  const auto scenario = [] {
    EventLoop loop(std::make_unique<EpollSelector>());
    int posts = 0;
    const auto post = [&] {
      loop.call_soon_threadsafe([&] {
        if (++posts == 2) loop.stop();
      });
    };
    std::jthread a(post);
    std::jthread b(post);
    loop.run_forever();
    EXPECT_EQ(posts, 2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step2_Epoll, WhatIsPostedMayEndTheLoop) {
  const auto scenario = [] {
    auto loop = std::make_unique<EventLoop>(std::make_unique<EpollSelector>());
    std::jthread other([&loop = *loop] { loop.call_soon_threadsafe([&] { loop.stop(); }); });
    loop->run_forever();
    loop.reset();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 4: signals. Each comes to the thread that raises it.

TEST(Step4_Signals, NoSignalIsLost) {
  const auto scenario = [] {
    EventLoop loop(std::make_unique<EpollSelector>());
    int signals = 0;
    const auto count = [&] {
      if (++signals == 2) loop.stop();
    };
    loop.add_signal_handler(SIGUSR1, count);
    loop.add_signal_handler(SIGUSR2, count);
    std::jthread a([] { ::raise(SIGUSR1); });
    std::jthread b([] { ::raise(SIGUSR2); });
    loop.run_forever();
    EXPECT_EQ(signals, 2);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// SIGURG, because without a handler it does nothing.

TEST(Step4_Signals, OneLoopMayRemoveItsHandlerWhileAnotherTakesTheSignalOver) {
  const auto scenario = [] {
    EventLoop a(std::make_unique<EpollSelector>());
    EventLoop b(std::make_unique<EpollSelector>());
    int calls = 0;
    a.add_signal_handler(SIGURG, [] {});
    {
      std::jthread other([&] { a.remove_signal_handler(SIGURG); });
      b.add_signal_handler(SIGURG, [&] { ++calls; });
    }
    ::raise(SIGURG);
    b.stop();
    b.run_forever();
    EXPECT_EQ(calls, 1) << "it is b's";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_Signals, ALoopThatLooksTakesNothingFromWhoTakesTheSignalOver) {
  const auto scenario = [] {
    EventLoop a(std::make_unique<EpollSelector>());
    EventLoop b(std::make_unique<EpollSelector>());
    int calls = 0;
    a.add_signal_handler(SIGURG, [] {});
    ::raise(SIGURG);  // for either
    {
      std::jthread other([&] {
        a.stop();
        a.run_forever();
      });
      b.add_signal_handler(SIGURG, [&] { ++calls; });
      ::raise(SIGURG);
    }
    b.stop();
    b.run_forever();
    EXPECT_EQ(calls, 1) << "the second signal is b's";
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step4_Signals, WhatHasComeDuringARemovalIsNotToldToTheNextHandler) {
  const auto scenario = [] {
    EventLoop loop(std::make_unique<EpollSelector>());
    int calls = 0;
    loop.add_signal_handler(SIGURG, [] {});
    {
      std::jthread other([] { ::raise(SIGURG); });
      loop.remove_signal_handler(SIGURG);
    }
    loop.add_signal_handler(SIGURG, [&] { ++calls; });
    loop.stop();
    loop.run_forever();
    EXPECT_EQ(calls, 0);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 8: a wake-up that is drained away.

namespace {

[[maybe_unused]] void two_posts() {
  HastyWaker waker;
  std::jthread other([&] { waker.post(2); });
  waker.post(1);
  int sum = 0;
  while (sum < 3) sum += waker.wait();
}

}  // namespace

TEST(Step8_BreakIt, WithoutAnInterruptionAllPostsArrive) {
  EXPECT_TRUE(
      explore::survives(two_posts, {.preemptions = 0, .spurious = 0, .search = explore::Search::systematic}));
}

TEST(Step8_BreakIt, APostBetweenTheLookAndTheDrainIsLost) {
  EXPECT_TRUE(explore::breaks(explore::Failure::deadlock, two_posts));
}

TEST(Step8_BreakIt, OnePostAlwaysArrives) {
  const auto scenario = [] {
    HastyWaker waker;
    std::jthread other([&] { waker.post(7); });
    EXPECT_EQ(waker.wait(), 7);
  };
  EXPECT_TRUE(explore::survives(scenario));
}
