// Chapter 08, step 6: a coroutine that awaits another, like a function that calls one.

#include "awaitables.hpp"
#include "support.hpp"

#include <concepts>
#include <memory>
#include <optional>

TEST(Step6_Coro, CallingItRunsNothing) {  // AIO-32
  Log log;
  const auto inner = [&]() -> Coro<int> {
    log.push_back("inner");
    co_return 1;
  };
  const auto outer = [&]() -> Coro<int> {
    log.push_back("outer");
    Coro<int> coro = inner();
    log.push_back("called");
    co_return co_await std::move(coro);
  };
  Coro<int> coro = outer();
  EXPECT_EQ(log, Log());
  EXPECT_FALSE(coro.done());
  EXPECT_TRUE(coro.outcome().empty());
  EXPECT_EQ(run(std::move(coro)), 1);
  EXPECT_EQ(log, (Log{"outer", "called", "inner"}));
}

TEST(Step6_Coro, AnAwaitIsLikeACall) {  // AIO-34
  Log log;
  const auto inner = [&](int number) -> Coro<int> {
    log.push_back("inner " + std::to_string(number));
    co_return 10 * number;
  };
  const auto outer = [&]() -> Coro<> {
    for (int i = 1; i <= 2; ++i) {
      log.push_back("before");
      const int result = co_await inner(i);
      log.push_back("after " + std::to_string(result));
    }
  };
  run(outer());
  EXPECT_EQ(log, (Log{"before", "inner 1", "after 10", "before", "inner 2", "after 20"}));
}

TEST(Step6_Coro, ItAllHappensOnThisThreadBeforeItGoesOn) {  // AIO-34
  std::vector<std::thread::id> seen;
  const auto inner = [&]() -> Coro<> {
    seen.push_back(std::this_thread::get_id());
    co_return;
  };
  const auto outer = [&]() -> Coro<> {
    co_await inner();
    seen.push_back(std::this_thread::get_id());
  };
  const Coro<> coro = outer();
  coro.handle().resume();
  EXPECT_EQ(seen, std::vector(2, std::this_thread::get_id())) << "no loop has to turn for it";
  EXPECT_TRUE(coro.done());
}

TEST(Step6_Coro, TheResultIsAValueOfAnyKind) {
  struct Plain {
    explicit Plain(int number) : number(number) {}
    int number;
  };
  const auto plain = []() -> Coro<Plain> { co_return Plain(3); };
  const auto owner = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
  const auto text = []() -> Coro<std::string> { co_return "text"; };
  const auto all = [&]() -> Coro<std::string> {
    const Plain a = co_await plain();
    const std::unique_ptr<int> b = co_await owner();
    co_return std::to_string(a.number) + std::to_string(*b) + co_await text();
  };
  EXPECT_EQ(run(all()), "34text");
}

TEST(Step6_Coro, TheResultIsAReferenceToTheThingItself) {
  std::vector<int> numbers{1, 2};
  const auto last = [&]() -> Coro<int&> { co_return numbers.back(); };
  const auto all = [&]() -> Coro<const std::vector<int>&> { co_return numbers; };
  const auto outer = [&]() -> Coro<> {
    co_await last() = 7;
    const std::vector<int>& same = co_await all();
    EXPECT_EQ(&same, &numbers);
  };
  run(outer());
  EXPECT_EQ(numbers, (std::vector{1, 7}));
}

TEST(Step6_Coro, TheResultIsNeverCopied) {
  const auto inner = []() -> Coro<Traced> { co_return Traced(1); };
  const auto outer = [&]() -> Coro<> {
    const Traced value = co_await inner();
    EXPECT_EQ(value.copies, 0);
    EXPECT_LE(value.moves, 2) << "into the frame, and out of it";
  };
  run(outer());
}

TEST(Step6_Coro, AnExceptionPassesThroughAllThatAwait) {  // AIO-34
  Log log;
  const auto through = [&](auto& self, int level) -> Coro<int> {
    const LogsEnd local(log, std::to_string(level));
    if (level == 0) throw std::out_of_range("too deep");
    co_return co_await self(self, level - 1);
  };
  const auto outer = [&]() -> Coro<> {
    try {
      co_await through(through, 2);
    } catch (const std::out_of_range& error) {
      log.push_back(error.what());
    }
    log.push_back(std::to_string(co_await number(3)));
  };
  run(outer());
  EXPECT_EQ(log, (Log{"~0", "~1", "~2", "too deep", "3"}));
}

TEST(Step6_Coro, AnExceptionMayBeOfAnyTypeAndComesToWhoRunsIt) {
  EXPECT_EQ(error_of([] { run(failing(3)); }), "0");
  EXPECT_EQ(error_of([] { run(refusing("no")); }), "no");
  const Coro<int> coro = failing(3);
  EXPECT_EQ(error_of([&] { coro.handle().resume(); }), "nothing") << "it is kept in the outcome";
  EXPECT_TRUE(coro.done());
  EXPECT_EQ(what(coro.outcome().exception()), "0");
}

TEST(Step6_Coro, LocalsAreDestroyedBeforeTheOneThatAwaitsGoesOn) {
  Log log;
  const auto inner = [&]() -> Coro<int> {
    const LogsEnd first(log, "first");
    const LogsEnd second(log, "second");
    co_return 1;
  };
  const auto outer = [&]() -> Coro<> {
    const LogsEnd local(log, "outer");
    co_await inner();
    log.push_back("goes on");
  };
  run(outer());
  EXPECT_EQ(log, (Log{"~second", "~first", "goes on", "~outer"}));
}

TEST(Step6_Coro, ParametersAreDestroyedWithTheFrameWhenTheAwaitIsOver) {
  std::atomic<int> alive = 0;
  const auto inner = [](Counted, bool fails) -> Coro<int> {
    if (fails) throw 1;
    co_return 2;
  };
  const auto outer = [&]() -> Coro<> {
    const int result = co_await inner(Counted(alive), false);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(result, 2);
    try {
      co_await inner(Counted(alive), true);
    } catch (int) {
      EXPECT_EQ(alive, 0);
    }
  };
  run(outer());
  EXPECT_EQ(alive, 0);
}

TEST(Step6_Coro, OneThatHasANameIsMovedToTheAwait) {
  static_assert(asyncio::Awaitable<Coro<int>>);
  static_assert(!asyncio::Awaitable<Coro<int>&>);
  static_assert(!std::copyable<Coro<int>>);
  const auto outer = [](Coro<int> coro) -> Coro<int> {
    const int result = co_await std::move(coro);
    EXPECT_FALSE(coro.handle()) << "nothing is left in it";
    co_return result;
  };
  EXPECT_EQ(run(outer(number(5))), 5);
}

TEST(Step6_Coro, ItIsAwaitedOnce) {
  const auto twice = []() -> Coro<> {
    Coro<int> coro = number(5);
    EXPECT_EQ(co_await std::move(coro), 5);
    co_await std::move(coro);
  };
  EXPECT_EQ(error_of([&] { run(twice()); }), "cannot reuse already awaited coroutine");
  const auto moved = []() -> Coro<> {
    Coro<int> coro = number(5);
    const Coro<int> other = std::move(coro);
    co_await std::move(coro);
  };
  EXPECT_EQ(error_of([&] { run(moved()); }), "cannot reuse already awaited coroutine");
  EXPECT_THROW(run(moved()), std::runtime_error);
}

TEST(Step6_Coro, OneThatIsNeverAwaitedNeverRuns) {  // AIO-32
  std::atomic<int> alive = 0;
  bool runs = false;
  const auto inner = [&](Counted) -> Coro<> {
    runs = true;
    co_return;
  };
  const auto outer = [&]() -> Coro<> {
    {
      const Coro<> forgotten = inner(Counted(alive));
      EXPECT_EQ(alive, 1);
    }
    EXPECT_EQ(alive, 0) << "its parameters are destroyed with it";
    co_return;
  };
  run(outer());
  EXPECT_FALSE(runs);
}

TEST(Step6_Coro, AnAssignmentDestroysWhatWasThere) {
  std::atomic<int> alive = 0;
  Signal signal;
  const auto inner = [&](Counted) -> Coro<int> { co_return co_await signal; };
  const auto outer = [&](Counted) -> Coro<int> { co_return co_await inner(Counted(alive)); };
  Coro<int> coro = outer(Counted(alive));
  coro.handle().resume();
  EXPECT_EQ(alive, 2);
  coro = number(3);
  EXPECT_EQ(alive, 0);
  Coro<int>& same = coro;
  coro = std::move(same);
  EXPECT_EQ(run(std::move(coro)), 3) << "moved to itself it is what it was";
}

TEST(Step6_Coro, ItMayBeMovedWhileItWaits) {
  Signal signal;
  Coro<int> coro = waiting(2, signal);
  coro.handle().resume();
  const Coro<int> other = std::move(coro);
  EXPECT_FALSE(coro.handle());
  signal.send(10);
  EXPECT_TRUE(other.done());
  EXPECT_EQ(other.outcome().take(), 12);
}

TEST(Step6_Coro, ItWaitsForWhateverCanBeAwaited) {
  struct Declines {
    static bool await_ready() noexcept { return false; }
    static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }  // it goes on at once
    static std::string await_resume() { return "declines"; }
  };
  struct Transfers {
    static bool await_ready() noexcept { return false; }
    static std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept { return waiting; }
    static std::string await_resume() { return "transfers"; }
  };
  const auto outer = []() -> Coro<std::string> {
    const int ready = co_await Ready();
    const int doubled = co_await Doubled(4);
    const std::string declines = co_await Declines();
    co_return std::to_string(ready) + std::to_string(doubled) + declines + co_await Transfers();
  };
  EXPECT_EQ(run(outer()), "78declinestransfers");
  const auto in_place = []() -> Coro<> {
    InPlace lvalue;
    EXPECT_TRUE(co_await lvalue) << "an awaiter stays where it is";
    EXPECT_TRUE(co_await InPlace());
  };
  run(in_place());
}

TEST(Step6_Coro, AllThatAwaitGoOnWhenItHappens) {
  Signal signal;
  const Coro<int> coro = waiting(3, signal);
  coro.handle().resume();
  EXPECT_TRUE(signal.is_awaited());
  EXPECT_FALSE(coro.done());
  signal.send(10);
  EXPECT_TRUE(coro.done());
  EXPECT_EQ(coro.outcome().take(), 13);
}

TEST(Step6_Coro, ItMayWaitAgainAndAgain) {
  Signal signal;
  const auto sum = [&]() -> Coro<int> {
    int sum = 0;
    for (int i = 0; i < 3; ++i) sum += co_await waiting(2, signal);
    co_return sum;
  };
  const Coro<int> coro = sum();
  coro.handle().resume();
  for (const int value : {10, 20, 30}) {
    EXPECT_FALSE(coro.done());
    signal.send(value);
  }
  EXPECT_TRUE(coro.done());
  EXPECT_EQ(coro.outcome().take(), 66);
}

TEST(Step6_Coro, ItGoesOnWhereItIsResumed) {
  std::vector<std::thread::id> seen;
  const auto inner = [&](Worker& worker) -> Coro<int> {
    seen.push_back(std::this_thread::get_id());
    seen.push_back(co_await worker);
    co_return 4;
  };
  const auto outer = [&](Worker& worker) -> Coro<int> {
    const int result = co_await inner(worker);
    seen.push_back(std::this_thread::get_id());
    co_return result;
  };
  std::optional<Coro<int>> coro;
  {
    Worker worker;
    coro = outer(worker);
    coro->handle().resume();
  }
  ASSERT_TRUE(coro->done());
  EXPECT_EQ(coro->outcome().take(), 4);
  EXPECT_EQ(seen[0], std::this_thread::get_id());
  EXPECT_NE(seen[1], std::this_thread::get_id());
  EXPECT_EQ(seen[2], seen[1]);
}

TEST(Step6_Coro, CoroutinesOfOtherKindsMayAwaitIt) {
  Signal signal;
  const auto body = [&]() -> Eager<int> {
    const int first = co_await number(1);
    co_return first + co_await waiting(2, signal);
  };
  const auto eager = body();
  EXPECT_TRUE(eager.outcome().empty());
  signal.send(10);
  EXPECT_EQ(eager.outcome().take(), 13);
}

TEST(Step6_Coro, ManyMayAwaitTheirOwnInTurn) {
  const auto fibonacci = [](auto& self, int n) -> Coro<int> {
    if (n < 2) co_return n;
    const int first = co_await self(self, n - 1);
    co_return first + co_await self(self, n - 2);
  };
  EXPECT_EQ(run(fibonacci(fibonacci, 15)), 610);
}
