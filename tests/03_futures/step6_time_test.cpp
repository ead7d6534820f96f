// Chapter 03, steps 6 to 8: a timeout is for the whole, by a clock that nobody sets.

#include "support.hpp"

#include <atomic>
#include <chrono>
#include <ranges>
#include <thread>

#include "moved_clock.hpp"

// A test here lets time pass at once. Nobody is woken by that, but whoever looks at the clock next sees it.

TEST(Step6_Wait, TheTimeoutIsForTheWholeWait) {  // CF-19
  Several several(2);
  std::atomic<bool> returned = false;
  std::thread waiter([&] {
    const auto [done, not_done] = concurrent::wait(several.futures, {.timeout = 1h});
    returned = true;
    EXPECT_EQ(done, several.at({0}));
  });
  course::wait_until_others_block();
  course::let_time_pass(2h);
  several.promises[0].set_result(0);
  course::wait_until_others_block();
  EXPECT_TRUE(returned) << "the hour was over when the first future was done: it must not begin anew";
  several.promises[1].set_result(0);
  waiter.join();
}

TEST(Step6_Wait, SettingTheClockOnTheWallEndsNoTimeout) {
  Several several(2);
  std::atomic<bool> returned = false;
  std::thread waiter([&] {
    EXPECT_EQ(concurrent::wait(several.futures, {.timeout = 1h}).done.size(), 2u);
    returned = true;
  });
  course::wait_until_others_block();
  course::set_the_wall_clock(2h);
  several.promises[0].set_result(0);
  course::wait_until_others_block();
  EXPECT_FALSE(returned) << "no hour has passed: the clock was only set";
  several.promises[1].set_result(0);
  waiter.join();
  course::set_the_wall_clock(-2h);
}

TEST(Step6_Wait, ATimeoutBeyondTheEndOfTimeIsNone) {
  Several several(1);
  std::thread waiter([&] {
    EXPECT_EQ(concurrent::wait(several.futures, {.timeout = std::chrono::nanoseconds::max()}).done.size(),
              1u);
  });
  course::wait_until_others_block();
  several.promises[0].set_result(0);
  waiter.join();
  Several never(1);
  EXPECT_TRUE(concurrent::wait(never.futures, {.timeout = std::chrono::nanoseconds::min()}).done.empty());
}

TEST(Step7_AsCompleted, TheTimeoutIsForTheWholeLoop) {  // CF-22
  Several several(2);
  std::atomic<bool> ended = false;
  std::thread reader([&] {
    auto futures = concurrent::as_completed(several.futures, {.timeout = 1h});
    EXPECT_EQ(futures.next(), several.futures[1]);
    EXPECT_EQ(course::error_of([&] { futures.next(); }), "timeout");
    ended = true;
  });
  course::wait_until_others_block();
  course::let_time_pass(2h);
  several.promises[1].set_result(0);
  course::wait_until_others_block();
  EXPECT_TRUE(ended) << "the hour was over when the first future was done: it must not begin anew";
  several.promises[0].set_result(0);
  reader.join();
}

TEST(Step7_AsCompleted, ATimeoutBeyondTheEndOfTimeIsNone) {
  Several several(1);
  std::thread reader([&] {
    auto futures = concurrent::as_completed(several.futures, {.timeout = std::chrono::nanoseconds::max()});
    EXPECT_EQ(course::error_of([&] { EXPECT_EQ(futures.next(), several.futures[0]); }), "nothing");
  });
  course::wait_until_others_block();
  several.promises[0].set_result(0);
  reader.join();
}

TEST(Step8_Map, TheTimeoutIsForTheWholeIteration) {  // CF-29
  ManualExecutor executor;
  std::atomic<bool> ended = false;
  std::thread reader([&] {
    auto results = executor.map([](int item) { return item; }, std::views::iota(0, 2), {.timeout = 1h});
    EXPECT_EQ(results.next(), 0);
    EXPECT_EQ(course::error_of([&] { results.next(); }), "timeout");
    ended = true;
  });
  course::wait_until_others_block();
  course::let_time_pass(2h);
  executor.run_one();
  course::wait_until_others_block();
  EXPECT_TRUE(ended) << "the hour was over when the first result came: it must not begin anew";
  executor.run_all();
  reader.join();
}

TEST(Step8_Map, ATimeoutBeyondTheEndOfTimeIsNone) {
  ManualExecutor executor;
  std::thread reader([&] {
    auto results = executor.map([](int item) { return item; }, std::views::iota(7, 8),
                                {.timeout = std::chrono::nanoseconds::max()});
    EXPECT_EQ(course::error_of([&] { EXPECT_EQ(results.next(), 7); }), "nothing");
  });
  course::wait_until_others_block();
  executor.run_all();
  reader.join();
}
