// Chapter 03, step 6: wait for many.

#include "support.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <ranges>
#include <semaphore>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

using concurrent::ReturnWhen;

TEST(Step6_Wait, AllCompletedWaitsForAll) {  // CF-15
  Several several(3);
  several.promises[1].set_result(0);
  std::atomic<bool> returned = false;
  std::thread waiter([&] {
    const auto [done, not_done] = concurrent::wait(several.futures);
    returned = true;
    EXPECT_EQ(done, several.futures);
    EXPECT_TRUE(not_done.empty());
  });
  course::wait_until_others_block();
  several.promises[2].set_exception(error("burnt"));
  course::wait_until_others_block();
  EXPECT_FALSE(returned) << "one is not done yet";
  several.promises[0].future().cancel();
  waiter.join();
}

TEST(Step6_Wait, TheFuturesMayComeFromDifferentExecutors) {  // CF-15
  ThreadPoolExecutor one{{.max_workers = 1}}, other{{.max_workers = 1}};
  Promise<int> promise;
  promise.set_result(3);
  const std::array futures{one.submit(add, 0, 1), other.submit(add, 1, 1), promise.future()};
  const auto [done, not_done] = concurrent::wait(futures);
  ASSERT_EQ(done.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)].result(), i + 1);
}

TEST(Step6_Wait, EachFutureIsFoundOnceInTheOrderGiven) {  // CF-15
  Several several(3);
  for (std::size_t i : {2, 0}) several.promises[i].set_result(0);
  const auto [done, not_done] = concurrent::wait(several.at({1, 2, 0, 1, 0, 2, 2}), {.timeout = 0s});
  EXPECT_EQ(done, several.at({2, 0}));
  EXPECT_EQ(not_done, several.at({1}));
}

TEST(Step6_Wait, WithNoFuturesItReturnsAtOnce) {  // CF-15
  for (const auto when :
       {ReturnWhen::all_completed, ReturnWhen::first_completed, ReturnWhen::first_exception}) {
    const auto [done, not_done] = concurrent::wait(std::vector<Future<int>>(), {.return_when = when});
    EXPECT_TRUE(done.empty());
    EXPECT_TRUE(not_done.empty());
  }
}

TEST(Step6_Wait, FirstCompletedWaitsForOne) {  // CF-16
  Several several(3);
  std::thread waiter([&] {
    const auto [done, not_done] =
        concurrent::wait(several.futures, {.return_when = ReturnWhen::first_completed});
    EXPECT_EQ(done, several.at({1}));
    EXPECT_EQ(not_done, several.at({0, 2}));
  });
  course::wait_until_others_block();
  several.promises[1].set_result(0);
  waiter.join();
  several.finish_all();
}

TEST(Step6_Wait, FirstCompletedReturnsAtOnceThoseThatAreDone) {  // CF-16
  Several several(4);
  several.promises[3].set_result(0);
  several.promises[1].future().cancel();
  const auto [done, not_done] =
      concurrent::wait(several.futures, {.return_when = ReturnWhen::first_completed});
  EXPECT_EQ(done, several.at({1, 3}));
  EXPECT_EQ(not_done, several.at({0, 2}));
  several.finish_all();
}

TEST(Step6_Wait, FirstExceptionWaitsForAFailure) {  // CF-17
  Several several(4);
  std::atomic<bool> returned = false;
  std::thread waiter([&] {
    const auto [done, not_done] =
        concurrent::wait(several.futures, {.return_when = ReturnWhen::first_exception});
    returned = true;
    EXPECT_EQ(done, several.at({0, 1, 2}));
    EXPECT_EQ(not_done, several.at({3}));
  });
  course::wait_until_others_block();
  several.promises[0].set_result(0);
  course::wait_until_others_block();
  EXPECT_FALSE(returned) << "a result is no exception";
  several.promises[1].future().cancel();
  course::wait_until_others_block();
  EXPECT_FALSE(returned) << "a cancelled future does not count as failed";
  several.promises[2].set_exception(error("burnt"));
  waiter.join();
  several.finish_all();
}

TEST(Step6_Wait, FirstExceptionCountsThoseThatHaveFailedAlready) {  // CF-17
  Several several(4);
  several.promises[1].set_result(0);
  several.promises[2].set_exception(error("burnt"));
  several.promises[3].future().cancel();
  const auto [done, not_done] =
      concurrent::wait(several.futures, {.return_when = ReturnWhen::first_exception});
  EXPECT_EQ(done, several.at({1, 2, 3}));
  EXPECT_EQ(not_done, several.at({0}));
  several.finish_all();
}

TEST(Step6_Wait, FirstExceptionWithoutOneWaitsForAll) {  // CF-17
  Several several(3);
  several.promises[2].set_result(0);
  std::thread waiter([&] {
    const auto [done, not_done] =
        concurrent::wait(several.futures, {.return_when = ReturnWhen::first_exception});
    EXPECT_EQ(done, several.futures);
  });
  course::wait_until_others_block();
  several.promises[0].future().cancel();
  several.promises[1].set_result(0);
  waiter.join();
}

TEST(Step6_Wait, ACancelledFutureIsDoneAtOnce) {  // CF-18
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  const Future<void> running = pool.submit(Call([&] { gate.pass(); }));
  gate.wait_until_entered();
  std::vector<Future<void>> queued;
  for (int i = 0; i < 2; ++i) queued.push_back(pool.submit(Call([] {})));
  EXPECT_TRUE(queued[0].cancel());
  pool.shutdown({.wait = false, .cancel_futures = true});
  const auto [done, not_done] = concurrent::wait(queued);  // in Python this waits for ever
  EXPECT_EQ(done, queued);
  gate.open();
}

TEST(Step6_Wait, WhenTheTimeIsUpItReturnsWhatThereIs) {  // CF-19
  Several several(3);
  several.promises[1].set_result(0);
  for (const auto timeout : {-1'000ms, 0ms, 1ms}) {
    const auto [done, not_done] = concurrent::wait(several.futures, {.timeout = timeout});
    EXPECT_EQ(done, several.at({1}));
    EXPECT_EQ(not_done, several.at({0, 2}));
  }
  several.finish_all();  // nobody waits for these any more
  const auto [done, not_done] = concurrent::wait(several.futures, {.timeout = 0s});
  EXPECT_EQ(done, several.futures) << "a timeout of 0 asks without waiting";
}

TEST(Step6_Wait, AWaitWithATimeoutEndsWhenAllAreDone) {  // CF-19
  Several several(2);
  std::thread waiter([&] { EXPECT_EQ(concurrent::wait(several.futures, {.timeout = 1h}).done.size(), 2u); });
  course::wait_until_others_block();
  several.finish_all();
  waiter.join();
}

TEST(Step6_Wait, AnyRangeOfFuturesWillDo) {
  Several several(3);
  several.finish_all();
  EXPECT_EQ(concurrent::wait(std::as_const(several.futures)).done, several.futures);
  const auto some = several.futures | std::views::drop(1);
  EXPECT_EQ(concurrent::wait(some).done, several.at({1, 2}));
  const auto made = several.promises | std::views::transform(&Promise<int>::future);
  EXPECT_EQ(concurrent::wait(made).done, several.futures);
  std::unordered_set<Future<int>> set(several.futures.begin(), several.futures.end());
  EXPECT_EQ(concurrent::wait(set).done.size(), 3u);
}

TEST(Step6_Wait, FuturesThatAreDoneWhileItBeginsAreNotMissed) {  // CF-20
  for (int round = 0; round < 50; ++round) {
    Several several(100);
    std::barrier start(2);
    std::jthread setter([&] {
      start.arrive_and_wait();
      several.finish_all();
    });
    start.arrive_and_wait();
    concurrent::wait(several.futures, {.return_when = ReturnWhen::first_completed});
    concurrent::wait(several.futures, {.timeout = 0s});
    ASSERT_EQ(concurrent::wait(several.futures).done.size(), 100u);
  }
}

TEST(Step6_Wait, ThreadsThatWaitForSeveralAreReleasedBeforeTheCallbacksRun) {  // CF-13
  Promise<int> promise;
  std::vector futures{promise.future()};
  std::binary_semaphore released(0);
  futures[0].add_done_callback([&](auto) { released.acquire(); });  // hangs if the other thread still waits
  std::thread waiter([&] {
    concurrent::wait(futures);
    released.release();
  });
  course::wait_until_others_block();
  promise.set_result(42);
  waiter.join();
}

TEST(Step6_Wait, WaitingForManyUsesNoProcessorTime) {
  Several several(3);
  std::thread waiter([&] { concurrent::wait(several.futures); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  several.finish_all();
  waiter.join();
}
