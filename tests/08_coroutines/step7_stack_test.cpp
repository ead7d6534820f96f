// Chapter 08, step 7: the stack that awaiting takes, and destroying what waits, which is none.

#include "awaitables.hpp"
#include "support.hpp"

#include <algorithm>
#include <array>
#include <random>

TEST(Step7_Stack, ATransferTakesNoneWhereTheBuildSaysSo) {
  std::vector<std::uintptr_t> down;
  std::vector<std::uintptr_t> up;
  const auto level = [&](auto& self, int n) -> Coro<> {
    down.push_back(stack_end());
    if (n > 0) co_await self(self, n - 1);
    up.push_back(stack_end());
  };
  run(level(level, 10));
  const auto expect_none = [](const std::vector<std::ptrdiff_t>& taken, const char* where) {
    const auto [least, most] = std::ranges::minmax(taken);
    if (!course::constant_stack) {
      EXPECT_FALSE(least == 0 && most == 0) << where;
    } else if (least != 0 || most != 0) {
      ADD_FAILURE() << (most != 0 ? most : least) << " bytes of stack are taken for each level " << where
                    << ", and 0 are expected";
    }
  };
  expect_none(steps(down), "on the way down");
  expect_none(steps(up), "on the way back");
}

TEST(Step7_Stack, AMillionAwaitsInALoop) { EXPECT_EQ(run(in_a_loop(levels(1'000'000))), levels(1'000'000)); }

TEST(Step7_Stack, AMillionCoroutinesInsideOneAnother) {
  EXPECT_EQ(run(nested(levels(1'000'000))), levels(1'000'000));
}

TEST(Step7_Stack, AMillionGoOnWhenItHappens) {
  Signal signal;
  const Coro<int> coro = waiting(levels(1'000'000), signal);
  coro.handle().resume();
  signal.send(5);
  ASSERT_TRUE(coro.done());
  EXPECT_EQ(coro.outcome().take(), levels(1'000'000) + 5);
}

TEST(Step7_Stack, AHundredThousandTransitionsOfAStateMachine) {
  struct Machine {
    explicit Machine(int transitions) : left(transitions) {}

    std::mt19937 random;
    int left;
    std::array<int, 3> visits{};

    Coro<int> even() {
      ++visits[0];
      if (left-- == 0) co_return 0;
      if (random() % 2 == 0) co_return 1 + co_await odd();
      co_return 1 + co_await other();
    }
    Coro<int> odd() {
      ++visits[1];
      if (left-- == 0) co_return 0;
      if (random() % 2 == 0) co_return 1 + co_await even();
      co_return 1 + co_await odd();
    }
    Coro<int> other() {
      ++visits[2];
      if (left-- == 0) co_return 0;
      co_return 1 + co_await even();
    }
  };
  const int transitions = levels(100'000);
  Machine machine(transitions);
  EXPECT_EQ(run(machine.even()), transitions);
  EXPECT_EQ(machine.visits[0] + machine.visits[1] + machine.visits[2], transitions + 1);
}

TEST(Step7_Stack, ManyExceptionsThroughTenThousandLevels) {
  const auto outer = []() -> Coro<int> {
    int caught = 0;
    for (int i = 0; i < 20; ++i) {
      try {
        co_await failing(levels(10'000));
      } catch (int) {
        ++caught;
      }
    }
    co_return caught;
  };
  EXPECT_EQ(run(outer()), 20);
}

TEST(Step7_Destroying, AMillionLevelsAreDestroyedOneAfterAnother) {
  struct Probe {
    explicit Probe(std::vector<std::uintptr_t>& ends) : ends(ends) {}
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    ~Probe() { ends.push_back(stack_end()); }
    std::vector<std::uintptr_t>& ends;
  };
  std::vector<std::uintptr_t> ends;
  Signal signal;
  const auto level = [&](auto& self, int n) -> Coro<> {
    const Probe probe(ends);
    if (n == 0)
      co_await signal;
    else
      co_await self(self, n - 1);
  };
  const int deepest = levels(1'000'000);
  ends.reserve(static_cast<std::size_t>(deepest) + 1);
  {
    const Coro<> coro = level(level, deepest);
    coro.handle().resume();
  }
  ASSERT_EQ(ends.size(), static_cast<std::size_t>(deepest) + 1);
  ends.pop_back();  // the outermost is not awaited: it is destroyed from another place
  EXPECT_EQ(std::ranges::count(ends, ends.front()), deepest) << "each from the same depth of the stack";
}

TEST(Step7_Destroying, NothingIsReadOfAFrameThatIsGone) {
  Signal signal;
  const auto level = [&](auto& self, int n) -> Coro<int> {
    std::array<char, 700> room{};  // too large for the pool, and small enough to stay as it was spoilt
    const int below = n == 0 ? co_await signal : co_await self(self, n - 1);
    co_return below + room[0];
  };
  const course::SpoilsFreed spoils;
  {
    const Coro<int> coro = level(level, 5);
    coro.handle().resume();
    EXPECT_TRUE(signal.is_awaited());
  }
}
