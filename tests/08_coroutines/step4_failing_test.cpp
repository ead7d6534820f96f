// Chapter 08, steps 1 to 7: memory runs out, moves break, and how long things live.

#include "awaitables.hpp"

#include <array>
#include <atomic>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "fragile.hpp"

using course::Fragile;

namespace {

/// A number whose frame is too large for the pool: each takes memory.
Coro<int> large(int depth) {
  std::array<char, 2000> room{};
  room[0] = 1;
  const std::string text(50, 'x');
  if (depth == 0) co_return static_cast<int>(text.size());
  co_return co_await large(depth - 1) + room[0];
}

Generator<std::string> large_texts(int count) {
  std::array<char, 2000> room{};
  for (int i = 0; i < count; ++i) co_yield std::string(50, static_cast<char>('a' + i + room[0]));
}

}  // namespace

TEST(Step1_Countdown, NumbersMayBeAsLargeAsTheyGet) {
  Countdown most(std::numeric_limits<int>::max());
  most.resume();
  EXPECT_EQ(most.value(), std::numeric_limits<int>::max());
  most.resume();
  EXPECT_EQ(most.value(), std::numeric_limits<int>::max() - 1);
  Countdown least(std::numeric_limits<int>::min());
  least.resume();
  EXPECT_TRUE(least.done());
}

TEST(Step3_Range, WhereverAValueBreaksTheLoopEndsAndNothingIsLeft) {
  const auto copies = [](course::Fuse& fuse) -> Generator<Fragile> {
    const Fragile mine(0, fuse);
    for (int i = 0; i < 3; ++i) {
      co_yield mine;
      co_yield Fragile(i, fuse);
    }
  };
  const int failures = course::until_nothing_breaks([&](course::Fuse& fuse) {
    int read = 0;
    const std::string error = error_of([&] {
      for (Fragile value : copies(fuse)) read += 1 + 0 * value.number();
    });
    EXPECT_EQ(error, fuse.burnt() ? "broke" : "nothing");
    EXPECT_EQ(Fragile::alive, 0);
    if (!fuse.burnt()) {
      EXPECT_EQ(read, 6);
    }
  });
  EXPECT_EQ(failures, 9) << "a copy of each lvalue, and a move to each of the loop's variables";
}

TEST(Step3_Range, IfMemoryRunsOutNothingIsLeft) {
  for (const std::string& text : large_texts(1)) EXPECT_EQ(text.size(), 50u);
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    const std::size_t before = in_use();
    std::size_t size = 0;
    const bool read = memory.suffices_for([&] {
      for (const std::string& text : large_texts(3)) size += text.size();
    });
    EXPECT_EQ(in_use(), before);
    if (read) {
      EXPECT_EQ(size, 150u);
    }
  });
  EXPECT_EQ(failures, 4) << "the frame, and the text of each value";
}

TEST(Step4_Outcome, AValueThatCannotBeMadeIsNotThere) {
  for (const bool again : {false, true}) {
    course::Fuse never(0), at_once(1);
    {
      const Fragile good(1, never), bad(2, at_once);
      Outcome<Fragile> outcome;
      if (again) outcome.set_value(good);
      EXPECT_EQ(error_of([&] { outcome.set_value(bad); }), "broke");
      EXPECT_TRUE(outcome.empty()) << "it says that it has a value, and has none";
      outcome.set_value(good);
      EXPECT_EQ(outcome.get().number(), 1);
    }
    EXPECT_EQ(Fragile::alive, 0);
  }
}

TEST(Step5_Coro, WhereverAResultBreaksThatComesToWhoAwaits) {
  const auto inner = [](course::Fuse& fuse) -> Coro<Fragile> { co_return Fragile(7, fuse); };
  const auto outer = [&](course::Fuse& fuse) -> Coro<Fragile> {
    Fragile result = co_await inner(fuse);
    co_return result;
  };
  const int failures = course::until_nothing_breaks([&](course::Fuse& fuse) {
    const std::string error = error_of([&] { EXPECT_EQ(run(outer(fuse)).number(), 7); });
    EXPECT_EQ(error, fuse.burnt() ? "broke" : "nothing");
    EXPECT_EQ(Fragile::alive, 0);
  });
  EXPECT_GE(failures, 4);
}

TEST(Step5_Coro, IfMemoryRunsOutNothingIsLeft) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    const std::size_t before = in_use();
    int result = 0;
    const bool ended = memory.suffices_for([&] { result = run(large(5)); });
    EXPECT_EQ(in_use(), before);
    EXPECT_EQ(result, ended ? 55 : 0);
  });
  EXPECT_EQ(failures, 12) << "a frame and a text for each";
}

TEST(Step5_Coro, AFrameLivesToTheEndOfTheExpressionThatAwaitsIt) {
  std::atomic<int> alive = 0;
  const auto value = [](Counted) -> Coro<int> { co_return 1; };
  const auto nothing = [](Counted) -> Coro<> { co_return; };
  const auto reference = [](std::string text, Counted) -> Coro<const std::string&> {
    co_return std::as_const(text);
  };
  const auto outer = [&]() -> Coro<> {
    const int with_value = (co_await value(Counted(alive)), alive.load());
    EXPECT_EQ(with_value, 1) << "the parameters are there until the full expression ends";
    EXPECT_EQ(alive, 0) << "and not longer";
    const int with_nothing = (co_await nothing(Counted(alive)), alive.load());
    EXPECT_EQ(with_nothing, 1);
    EXPECT_EQ(alive, 0);
    const std::string copy =
        co_await reference("a text that is too long to lie in the string", Counted(alive)) + " of " +
        std::to_string(alive);
    EXPECT_EQ(copy, "a text that is too long to lie in the string of 1");
    EXPECT_EQ(alive, 0);
  };
  run(outer());
}

TEST(Step5_Destroying, AfterAnAwaitThatEndedOneThatWaitsIsDestroyedAlone) {
  for (const int kind : {0, 1, 2, 3}) {
    Log log;
    const std::size_t before = in_use();
    {
      Signal signal;
      static int seven = 7;
      const auto refer = []() -> Coro<int&> { co_return seven; };
      const auto nothing = []() -> Coro<> { co_return; };
      const auto outer = [&]() -> Coro<> {
        const LogsEnd local(log, "local");
        try {
          if (kind == 0) co_await number(1);
          if (kind == 1) co_await refer();
          if (kind == 2) co_await nothing();
          if (kind == 3) co_await failing(2);
        } catch (int) {
        }
        co_await signal;
      };
      auto coro = outer();
      coro.handle().resume();
      EXPECT_TRUE(signal.is_awaited());
    }
    EXPECT_EQ(log, Log{"~local"});
    log = {};
    EXPECT_LE(in_use(), before + 4) << "what the pool of frames keeps";
  }
}

TEST(Step5_Destroying, WhatIsNeverCompletedLeavesNothing) {
  const auto abandon = [] {
    Signal signal;
    const auto deep = [&](int depth) {
      Coro<int> coro = [](Signal& signal, int depth) -> Coro<int> {
        std::array<char, 2000> room{};
        const std::string text(50, 'x');
        co_return co_await waiting(depth, signal) + room[0];
      }(signal, depth);
      coro.handle().resume();
    };
    deep(5);
    { const Coro<int> never_started = large(3); }
    auto twice = [](Coro<int> coro) -> Coro<std::string> {
      co_await std::move(coro);
      co_return error_of([&] { static_cast<void>(std::move(coro).operator co_await()); });
    };
    EXPECT_EQ(run(twice(large(0))), "cannot reuse already awaited coroutine");
  };
  abandon();
  const std::size_t before = in_use();
  for (int i = 0; i < 5; ++i) abandon();
  EXPECT_EQ(in_use(), before);
}

TEST(Step6_SyncWait, WhoeverWaitsSleeps) {
  Signal signal;
  std::thread waiter([&] { EXPECT_EQ(sync_wait(signal), 7); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  signal.send(7);
  waiter.join();
}

TEST(Step6_SyncWait, IfMemoryRunsOutNothingIsLeft) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    const std::size_t before = in_use();
    static_cast<void>(memory.suffices_for([] { EXPECT_EQ(sync_wait(large(2)), 52); }));
    EXPECT_LE(in_use(), before + 1) << "what the pool of frames keeps";
  });
  EXPECT_GE(failures, 6);
}

TEST(Step7_FramePool, ABlockForWhichThereIsNoMemoryIsNotOut) {
  void* const others = asyncio::FramePool::allocate(100);
  std::thread([others] {
    const int failures = course::until_memory_suffices([](course::Memory& memory) {
      void* block = nullptr;
      if (memory.suffices_for([&] { block = asyncio::FramePool::allocate(100); }))
        asyncio::FramePool::deallocate(block, 100);
      else
        EXPECT_EQ(block, nullptr);
    });
    EXPECT_EQ(failures, 1);
    const std::size_t before = course::deallocations();
    void* const mine = asyncio::FramePool::allocate(100);
    asyncio::FramePool::deallocate(mine, 100);
    asyncio::FramePool::deallocate(others, 100);
    EXPECT_GE(course::deallocations() - before, 1u)
        << "the thread has needed one block at a time: it keeps no more";
  }).join();
}
