// Chapter 09, step 4: sleep.

#include "stack.hpp"
#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

TEST(Step4_Sleep, WithoutADelayOthersHaveTheirTurn) {  // AIO-37
  VirtualLoop v;
  const auto body = [&](std::string name) -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      v.note(name + std::to_string(i));
      co_await sleep(0s);
    }
  };
  v.loop.create_task(body("a"));
  v.loop.create_task(body("b"));
  v.passes(4);
  EXPECT_EQ(v.log, (Log{"0 a0", "0 b0", "1 a1", "1 b1", "2 a2", "2 b2"}));
}

TEST(Step4_Sleep, WithoutADelayItTakesOnePassBehindWhatIsReady) {  // AIO-37
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    v.loop.call_soon([&] { v.note("ready"); });
    co_await sleep(0s);
    v.note("task");
    v.loop.call_soon([&] { v.note("later"); });
  };
  v.loop.create_task(body());
  v.passes(3);
  EXPECT_EQ(v.log, (Log{"1 ready", "1 task", "2 later"}));
}

TEST(Step4_Sleep, ANegativeDelayIsNone) {  // AIO-38
  VirtualLoop v;
  const auto body = [&](Duration delay) -> Coro<> {
    co_await sleep(delay);
    v.note("task");
  };
  const auto forever = [&]() -> Coro<> {
    co_await sleep(std::chrono::duration<double>(-INFINITY));
    v.note("task");
  };
  v.loop.create_task(body(-1ns));
  v.loop.create_task(body(Duration::min()));
  v.loop.create_task(forever());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"1 task", "1 task", "1 task"}));
}

TEST(Step4_Sleep, ADelayThatIsNoNumberIsRefused) {  // AIO-38
  VirtualLoop v;
  const std::chrono::duration<double> nan(NAN);
  const auto body = [&]() -> Coro<int> {
    try {
      co_await sleep(nan);
    } catch (const std::invalid_argument&) {
      v.note("refused");
    }
    try {
      co_await sleep(nan, 1);
    } catch (const std::invalid_argument&) {
      v.note("refused");
    }
    co_return co_await sleep(0s, 2);
  };
  const Task<int> task = v.loop.create_task(body());
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 refused", "0 refused"}));
  EXPECT_EQ(outcome_of(task), "2");
}

TEST(Step4_Sleep, ItGivesItsResult) {  // AIO-37, AIO-38
  VirtualLoop v;
  const auto body = [&]() -> Coro<> {
    const int number = co_await sleep(0s, 7);
    const std::string text = co_await sleep(1s, std::string("a text that is too long to lie in the string"));
    const std::unique_ptr<int> pointer = co_await sleep(1s, std::make_unique<int>(8));
    v.log.push_back(std::to_string(number) + " " + text + " " + std::to_string(*pointer));
  };
  v.loop.create_task(body());
  v.run_to(2s);
  EXPECT_EQ(v.log, Log{"7 a text that is too long to lie in the string 8"});
}

TEST(Step4_Sleep, NobodyWakesTooEarlyOrTooLate) {  // AIO-38
  VirtualLoop v;
  std::vector<Duration> woken;
  const auto body = [&](auto delay) -> Coro<> {
    co_await sleep(delay);
    woken.push_back(v.time());
    co_await sleep(delay);
    woken.push_back(v.time());
  };
  v.loop.create_task(body(1h));
  v.loop.create_task(body(1ns));
  v.loop.create_task(body(1500ms));
  v.loop.create_task(body(std::chrono::duration<double>(0.25)));
  v.run_to(2h);
  EXPECT_EQ(woken, (std::vector<Duration>{1ns, 2ns, 250ms, 500ms, 1500ms, 3s, 1h, 2h}));
}

TEST(Step4_Sleep, ATaskGoesOnInThePassAfterItsTimer) {  // AIO-38
  VirtualLoop v;
  const auto body = [&](const char* name) -> Coro<> {
    co_await sleep(1s);
    v.note(name);
  };
  v.loop.create_task(body("first"));
  v.loop.create_task(body("second"));
  v.passes(1);
  v.loop.call_later(1s, [&] { v.note("timer"); });
  v.clock.advance(1s - 1ns);
  v.passes(2);
  EXPECT_EQ(v.log, Log()) << "a nanosecond before its time is too early";
  v.clock.advance(1ns);
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"3 timer", "4 first", "4 second"}));
}

TEST(Step4_Sleep, AThousandWakeInTheOrderOfTheirTimes) {  // AIO-38
  VirtualLoop v;
  std::vector<std::pair<Duration, int>> woken;
  const auto body = [&](Duration delay, int number) -> Coro<> {
    co_await sleep(delay);
    EXPECT_EQ(v.time(), delay);
    woken.emplace_back(delay, number);
  };
  for (int i = 0; i < 1'000; ++i) v.loop.create_task(body((i * 7 % 100 + 1) * 1s, i));
  v.run_to(1h);
  EXPECT_EQ(woken.size(), 1'000u);
  EXPECT_TRUE(std::ranges::is_sorted(woken)) << "those of the same time in the order in which they came";
}

TEST(Step4_Sleep, AnEternityIsNotTooLong) {
  VirtualLoop v;
  const auto body = [&](auto delay) -> Coro<> {
    co_await sleep(delay);
    v.note("woken");
  };
  v.loop.create_task(body(std::chrono::hours::max()));
  v.loop.create_task(body(std::chrono::duration<double>(INFINITY)));
  v.run_to(24h * 365);
  EXPECT_EQ(v.log, Log());
}

TEST(Step4_Sleep, OneThatHasANameMayBeAwaitedAgain) {
  VirtualLoop v;
  std::vector<Duration> woken;
  const auto body = [&]() -> Coro<> {
    auto nap = sleep(1s);
    for (int i = 0; i < 3; ++i) {
      co_await nap;
      woken.push_back(v.time());
    }
  };
  v.loop.create_task(body());
  v.run_to(1h);
  EXPECT_EQ(woken, (std::vector<Duration>{1s, 2s, 3s}));
}

TEST(Step4_Sleep, ItMayBecomeATask) {  // AIO-50
  VirtualLoop v;
  const Task<> nap = v.loop.create_task(sleep(1s));
  const Task<int> answer = v.loop.create_task(sleep(2s, 42));
  v.run_to(1s);
  v.passes(1);
  EXPECT_EQ(outcome_of(nap), "done");
  EXPECT_FALSE(answer.done());
  v.run_to(2s);
  EXPECT_EQ(outcome_of(answer), "42");
}

TEST(Step4_Sleep, OutsideATaskItCannotBeAwaited) {
  const std::string refusal = "this can be awaited only in a task";
  EXPECT_EQ(error_of([] { asyncio::sync_wait(sleep(0s)); }), refusal);
  EXPECT_EQ(error_of([] { asyncio::sync_wait(sleep(1s)); }), refusal);
  EXPECT_EQ(error_of([] { asyncio::sync_wait(sleep(1s, 7)); }), refusal);
}

TEST(Step4_Sleep, AMillionTurnsTakeConstantStack) {  // AIO-34, AIO-37
  VirtualLoop v;
  std::uintptr_t first = 0;
  std::uintptr_t last = 0;
  const auto body = [&]() -> Coro<> {
    co_await sleep(0s);
    first = course::stack_end();
    for (int i = 0; i < 1'000'000; ++i) co_await sleep(0s);
    last = course::stack_end();
    v.loop.stop();
  };
  const Task<> task = v.loop.create_task(body());
  v.loop.run_forever();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(first, last);
}

TEST(Step4_Sleep, TheEndOfALoopDestroysWhoSleeps) {  // AIO-49
  std::atomic<int> alive = 0;
  std::optional<VirtualLoop> v(std::in_place);
  const auto body = [](Duration delay, Counted counted) -> Coro<> { co_await sleep(delay); };
  const Task<> yields = v->loop.create_task(body(0s, Counted(alive)));
  const Task<> sleeps = v->loop.create_task(body(1s, Counted(alive)));
  const Task<> woken = v->loop.create_task(body(1ms, Counted(alive)));
  v->passes(1);
  v->clock.advance(1ms);
  v->loop.create_task(body(0s, Counted(alive)));
  v->passes(1);  // its timer has run, and it has not gone on
  EXPECT_TRUE(yields.done());
  EXPECT_EQ(alive, 3);
  v.reset();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(outcome_of(sleeps), "cancelled");
  EXPECT_EQ(outcome_of(woken), "cancelled");
}
