// Chapter 10, step 6: to_thread.

#include "awkward_results.hpp"
#include "bridge.hpp"
#include "gather.hpp"
#include "real_loop.hpp"
#include "support.hpp"
#include "thread_name.hpp"

#include <cstddef>
#include <functional>
#include <latch>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

using asyncio::gather;
using asyncio::to_thread;

TEST(Step6_Bridge, ToThreadCallsOnAThread) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    const int number = co_await to_thread(twice, 21);
    EXPECT_EQ(number, 42);
    const std::string name = co_await to_thread([] { return concurrent::thread_name(); });
    EXPECT_TRUE(name.starts_with("asyncio_")) << name;
    const std::thread::id worker = co_await to_thread([] { return std::this_thread::get_id(); });
    EXPECT_NE(worker, std::this_thread::get_id());
    const std::string error = co_await error_of(to_thread(complain, 7));
    EXPECT_EQ(error, "not 7");
  });
}

TEST(Step6_Bridge, ToThreadHandsArgumentsOnAndGivesAnyResult) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    const auto takes = [](std::string text, std::unique_ptr<int> owner, int& number) {
      number += *owner;
      return std::make_unique<std::string>(text + "!");
    };
    int number = 1;
    const std::unique_ptr<std::string> text =
        co_await to_thread(takes, std::string("text"), std::make_unique<int>(2), std::ref(number));
    EXPECT_EQ(*text, "text!");
    EXPECT_EQ(number, 3);
    int& reference = co_await to_thread([]() -> int& { return shared_number; });
    EXPECT_EQ(&reference, &shared_number);
    co_await to_thread([&] { ++number; });
    EXPECT_EQ(number, 4);
    const std::string prefix = "a text that is too long to stay in place";
    const auto captures = [prefix](int number) { return prefix + std::to_string(number); };
    const std::string long_text = co_await to_thread(captures, 5);
    EXPECT_EQ(long_text, prefix + "5");
  });
}

TEST(Step6_Bridge, ToThreadCopiesWhenItIsCalledAndBeginsWhenItIsAwaited) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    std::atomic<int> calls = 0;
    const auto call = [&](std::string text) {
      ++calls;
      return text;
    };
    std::string text = "before";
    auto coro = to_thread(call, text);
    text = "after";
    co_await passes(3);
    EXPECT_EQ(calls, 0);
    const std::string result = co_await std::move(coro);
    EXPECT_EQ(result, "before");
    EXPECT_EQ(calls, 1);
    { const auto never = to_thread(call, std::string("never")); }
    EXPECT_EQ(calls, 1);
  });
}

TEST(Step6_Bridge, SeveralThreadsRunAtTheSameTime) {  // AIO-21
  in_real_loop([]() -> Coro<> {
    std::latch all_there(3);
    const auto meets = [&](int number) {
      all_there.arrive_and_wait();
      return number;
    };
    const auto numbers = co_await gather(to_thread(meets, 1), to_thread(meets, 2), to_thread(meets, 3));
    EXPECT_EQ(numbers, std::tuple(1, 2, 3));
  });
}

TEST(Step6_Bridge, ToThreadUsesTheDefaultExecutor) {  // AIO-21
  in_loop([]() -> Coro<> {
    auto manual = std::make_shared<ManualExecutor>();
    get_running_loop().set_default_executor(manual);
    Task<int> task = create_task(to_thread(twice, 4));
    co_await passes(2);
    EXPECT_FALSE(task.done());
    EXPECT_EQ(manual->run_all(), 1u);
    const int number = co_await task;
    EXPECT_EQ(number, 8);
    int calls = 0;
    Task<> cancelled = create_task(to_thread([&] { ++calls; }));
    co_await passes(2);
    cancelled.cancel();
    co_await passes(3);
    EXPECT_TRUE(cancelled.cancelled());
    manual->run_all();
    EXPECT_EQ(calls, 0);
    co_await get_running_loop().shutdown_default_executor();
    const std::string error = co_await error_of(to_thread(twice, 1));
    EXPECT_EQ(error, "Executor shutdown has been called");
  });
}

TEST(Step6_Bridge, RunWaitsForACallWhoseTaskIsCancelled) {  // AIO-21
  std::atomic<bool> ended = false;
  Gate gate;
  in_real_loop([&]() -> Coro<> {
    const auto call = [&] {
      gate.pass();
      ended = true;
    };
    Task<> task = create_task(to_thread(call));
    co_await passes(2);
    gate.wait_until_entered();
    get_running_loop().call_soon([&] { gate.open(); });
  });
  EXPECT_TRUE(ended);
}
