// Chapter 08, step 5: destroying coroutines that wait inside one another.

#include "awaitables.hpp"
#include "support.hpp"

#include <algorithm>

TEST(Step5_Destroying, TheInnermostGoesFirst) {
  Log log;
  Signal signal;
  const auto level = [&](auto& self, int n) -> Coro<> {
    const LogsEnd local(log, std::to_string(n));
    if (n == 0)
      co_await signal;
    else
      co_await self(self, n - 1);
    log.push_back("goes on");
  };
  {
    const Coro<> coro = level(level, 3);
    coro.handle().resume();
    EXPECT_TRUE(signal.is_awaited());
  }
  EXPECT_EQ(log, (Log{"~0", "~1", "~2", "~3"}));
}

TEST(Step5_Destroying, EachIsDestroyedOnce) {
  std::atomic<int> alive = 0;
  Signal signal;
  const auto ends = [](Counted, bool fails) -> Coro<> {
    if (fails) throw 1;
    co_return;
  };
  const auto waits = [&](Counted) -> Coro<> {
    co_await ends(Counted(alive), false);  // one that has ended is not destroyed with the others again
    try {
      co_await ends(Counted(alive), true);
    } catch (int) {
    }
    co_await signal;
  };
  const auto outer = [&](Counted) -> Coro<> { co_await waits(Counted(alive)); };
  {
    const Coro<> coro = outer(Counted(alive));
    coro.handle().resume();
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Step5_Destroying, AMillionLevelsAreDestroyedOneAfterAnother) {
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
