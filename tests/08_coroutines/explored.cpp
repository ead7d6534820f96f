// Chapter 08 under every schedule that matters: see docs/schedule-explorer.md.

#include "coro.hpp"
#include "pooled_frame.hpp"
#include "sync_wait.hpp"

#include <coroutine>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "explore.hpp"

using asyncio::Coro;
using asyncio::FramePool;
using asyncio::sync_wait;

namespace {

/// Goes on on another thread, which ends with the jthread.
struct OnThread {
  std::jthread& thread;

  static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const {
    std::jthread& mine = thread;  // for as soon as the other one runs, there may be no awaiter any more
    mine = std::jthread([waiting] { waiting.resume(); });
  }
  static int await_resume() noexcept { return 7; }
};

[[maybe_unused]] Coro<int> one_more_than(std::jthread& thread) { co_return 1 + co_await OnThread{thread}; }

[[maybe_unused]] Coro<int> failing(std::jthread& thread) {
  co_await OnThread{thread};
  throw std::runtime_error("there");
}

[[maybe_unused]] Coro<> writes(std::jthread& thread, int& result) {
  co_await OnThread{thread};
  result = 5;
}

[[maybe_unused]] Coro<int> number(int n) { co_return n; }

}  // namespace

// Step 8: the end of a coroutine, on another thread.

TEST(Step8_SyncWait, WhateverTheOrderAHappeningIsSeen) {
  const auto scenario = [] {
    std::jthread other;
    EXPECT_EQ(sync_wait(OnThread{other}), 7);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step8_SyncWait, WhoHasWaitedMayDestroyIt) {
  const auto scenario = [] {
    std::jthread other;
    sync_wait(OnThread{other});
    sync_wait(number(1));  // where the frame was that the other thread has just ended
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step8_SyncWait, WhatWasDoneBeforeItHappenedIsSeen) {
  const auto scenario = [] {
    std::jthread other;
    int result = 0;
    sync_wait(writes(other, result));
    EXPECT_EQ(result, 5);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step8_SyncWait, AnotherThreadMayEndTheCoroutine) {
  const auto scenario = [] {
    std::jthread thread;
    EXPECT_EQ(sync_wait(one_more_than(thread)), 8);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step8_SyncWait, AnotherThreadMayThrow) {
  const auto scenario = [] {
    std::jthread thread;
    try {
      sync_wait(failing(thread));
      ADD_FAILURE() << "it throws";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "there");
    }
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step8_SyncWait, ManyMayWaitAtTheSameTime) {
  const auto scenario = [] {
    std::jthread thread;
    std::jthread waits([] {
      std::jthread its;
      EXPECT_EQ(sync_wait(OnThread{its}), 7);
    });
    EXPECT_EQ(sync_wait(OnThread{thread}), 7);
  };
  EXPECT_TRUE(explore::survives(scenario));
}

// Step 9: frames on their way.

TEST(Step9_FramePool, ThreadsTakeAndGiveBackAtTheSameTime) {
  const auto scenario = [] {
    EXPECT_EQ(sync_wait(number(1)), 1);
    const auto take_and_give = [] {
      void* const a = FramePool::allocate(64);
      void* const b = FramePool::allocate(64);
      FramePool::deallocate(a, 64);
      FramePool::deallocate(b, 64);
      FramePool::deallocate(FramePool::allocate(64), 64);
    };
    std::jthread other(take_and_give);
    take_and_give();
  };
  EXPECT_TRUE(explore::survives(scenario));
}

TEST(Step9_FramePool, AFrameMayEndOnAnotherThread) {
  const auto scenario = [] {
    FramePool::deallocate(FramePool::allocate(64), 64);
    std::optional<Coro<int>> moved = number(1);
    std::jthread other([coro = std::move(*moved)]() mutable {
      EXPECT_EQ(sync_wait(std::move(coro)), 1);
      EXPECT_EQ(sync_wait(number(2)), 2);
    });
    moved.reset();
    EXPECT_EQ(sync_wait(number(3)), 3);
  };
  EXPECT_TRUE(explore::survives(scenario));
}
