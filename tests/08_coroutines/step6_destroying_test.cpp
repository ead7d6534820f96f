// Chapter 08, step 6: destroying coroutines that wait inside one another.

#include "awaitables.hpp"
#include "support.hpp"

#include <algorithm>

TEST(Step6_Destroying, TheInnermostGoesFirst) {
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

TEST(Step6_Destroying, EachIsDestroyedOnce) {
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
