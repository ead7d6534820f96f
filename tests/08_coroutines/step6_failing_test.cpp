// Chapter 08, step 6: memory runs out, moves break, and how long things live.

#include "awaitables.hpp"

#include <array>
#include <atomic>
#include <string>

#include "fragile.hpp"

using course::Fragile;

TEST(Step6_Coro, WhereverAResultBreaksThatComesToWhoAwaits) {
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

TEST(Step6_Coro, IfMemoryRunsOutNothingIsLeft) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    const std::size_t before = in_use();
    int result = 0;
    const bool ended = memory.suffices_for([&] { result = run(large(5)); });
    EXPECT_EQ(in_use(), before);
    EXPECT_EQ(result, ended ? 55 : 0);
  });
  EXPECT_EQ(failures, 12) << "a frame and a text for each";
}

TEST(Step6_Coro, AFrameLivesToTheEndOfTheExpressionThatAwaitsIt) {
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

TEST(Step6_Destroying, AfterAnAwaitThatEndedOneThatWaitsIsDestroyedAlone) {
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

TEST(Step6_Destroying, WhatIsNeverCompletedLeavesNothing) {
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
