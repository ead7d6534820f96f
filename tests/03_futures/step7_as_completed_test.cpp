// Chapter 03, step 7: as they come.

#include "support.hpp"

#include <atomic>
#include <barrier>
#include <initializer_list>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

TEST(Step7_AsCompleted, ThoseThatAreDoneComeFirstThenTheOthersAsTheyAreDone) {  // CF-21
  Several several(5);
  several.promises[3].set_result(0);
  several.promises[1].set_exception(error("burnt"));
  auto futures = concurrent::as_completed(several.futures);
  std::vector<Future<int>> order;
  for (int i = 0; i < 2; ++i) order.push_back(*futures.next());
  EXPECT_EQ((std::unordered_set<Future<int>>(order.begin(), order.end())),
            (std::unordered_set<Future<int>>{several.futures[1], several.futures[3]}));
  several.promises[4].set_result(0);
  several.promises[0].future().cancel();
  several.promises[2].set_result(0);
  order.clear();
  for (auto& future : futures) order.push_back(future);
  EXPECT_EQ(order, several.at({4, 0, 2})) << "in the order in which they were done, however they ended";
  EXPECT_EQ(futures.next(), std::nullopt);
}

TEST(Step7_AsCompleted, TheLoopWaitsForTheNext) {  // CF-21
  Several several(3);
  std::vector<Future<int>> order;
  std::thread reader([&] {
    for (auto& future : concurrent::as_completed(several.futures)) order.push_back(future);
  });
  for (std::size_t i : {1, 2, 0}) {
    course::wait_until_others_block();
    several.promises[i].set_result(0);
  }
  reader.join();
  EXPECT_EQ(order, several.at({1, 2, 0}));
}

TEST(Step7_AsCompleted, EachFutureComesOnce) {  // CF-21
  Several several(2);
  several.promises[1].set_result(0);
  auto futures = concurrent::as_completed(several.at({0, 1, 0, 1, 1, 0}));
  EXPECT_EQ(futures.next(), several.futures[1]);
  several.promises[0].set_result(0);
  EXPECT_EQ(futures.next(), several.futures[0]);
  EXPECT_EQ(futures.next(), std::nullopt);
}

TEST(Step7_AsCompleted, NoFuturesMeanNoLoop) {
  Promise<int> promise;
  promise.set_result(1);
  int loops = 0;
  for (auto& future : concurrent::as_completed(std::vector<Future<int>>())) loops += 100 * future.done();
  for (auto& future : concurrent::as_completed(std::vector{promise.future()})) loops += future.done();
  EXPECT_EQ(loops, 1);
}

TEST(Step7_AsCompleted, WhenTheTimeIsUpTheLoopThrows) {  // CF-22
  Several several(4);
  for (std::size_t i : {3, 1}) several.promises[i].set_result(0);
  auto futures = concurrent::as_completed(several.futures, {.timeout = 0s});
  EXPECT_TRUE(futures.next()) << "those that are done come all the same";
  EXPECT_TRUE(futures.next());
  try {
    futures.next();
    FAIL() << "two futures are not done, and the time is up";
  } catch (const concurrent::TimeoutError& e) {
    EXPECT_STREQ(e.what(), "2 (of 4) futures unfinished");
  }
  EXPECT_EQ(futures.next(), std::nullopt) << "after an exception the range has ended";
  several.finish_all();
}

TEST(Step7_AsCompleted, TheTimeoutCountsEachFutureOnce) {  // CF-22
  Several several(3);
  several.promises[2].set_result(0);
  auto futures = concurrent::as_completed(several.at({0, 0, 1, 2, 2, 1}), {.timeout = 1ms});
  EXPECT_EQ(futures.next(), several.futures[2]);
  try {
    futures.next();
    FAIL() << "two futures are not done, and the time is up";
  } catch (const concurrent::TimeoutError& e) {
    EXPECT_STREQ(e.what(), "2 (of 3) futures unfinished");
  }
  several.finish_all();
}

TEST(Step7_AsCompleted, ATimeoutThatIsNotNeededDoesNoHarm) {  // CF-22
  ThreadPoolExecutor pool{{.max_workers = 2}};
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(add, i, 0));
  int sum = 0;
  for (auto& future : concurrent::as_completed(futures, {.timeout = 1h})) sum += future.result();
  EXPECT_EQ(sum, 99 * 100 / 2);
}

TEST(Step7_AsCompleted, AFutureThatWasGivenIsNotKeptAlive) {  // CF-23
  std::atomic<int> alive = 0;
  std::vector<Promise<std::shared_ptr<Counted>>> promises(2);
  auto futures = concurrent::as_completed(std::vector{promises[0].future(), promises[1].future()});
  promises[1].set_result(std::make_shared<Counted>(alive));
  promises.pop_back();
  EXPECT_EQ(alive, 1) << "the range has yet to give it";
  EXPECT_TRUE(futures.next()->result());
  EXPECT_EQ(alive, 0) << "the range still holds a future that it has given away";
  promises[0].set_result(nullptr);
}

TEST(Step7_AsCompleted, ARangeThatIsGivenUpLeavesNothingBehind) {  // CF-23
  std::atomic<int> alive = 0;
  std::vector<Promise<std::shared_ptr<Counted>>> promises(3);
  std::vector<Future<std::shared_ptr<Counted>>> given;
  for (auto& promise : promises) given.push_back(promise.future());
  promises[0].set_result(nullptr);
  {
    auto futures = concurrent::as_completed(std::exchange(given, {}));
    EXPECT_TRUE(futures.next());
    promises[1].set_result(std::make_shared<Counted>(alive));
    promises.erase(promises.begin() + 1);
    EXPECT_EQ(alive, 1) << "the range has yet to give it";
  }
  EXPECT_EQ(alive, 0) << "the range is gone, and what it did not give is still there";
  promises[1].set_result(nullptr);  // crashes if it still knows the range
  Several several(3);
  several.finish_all();
  for (auto& future : concurrent::as_completed(several.futures)) {
    EXPECT_TRUE(future.done());
    break;
  }
}

TEST(Step7_AsCompleted, AWatchThatIsGoneIsNotTold) {
  Several several(2);
  const auto watch = [&](std::initializer_list<std::size_t> numbers) {
    return std::optional(concurrent::as_completed(several.at(numbers)));
  };
  auto early = watch({0}), stays = watch({0, 1}), late = watch({0});
  early.reset();
  late.reset();
  several.promises[0].set_result(1);  // crashes if it tells the first or the last, which are gone
  EXPECT_EQ(stays->next(), several.futures[0]);
  several.promises[1].set_result(1);
  EXPECT_EQ(stays->next(), several.futures[1]);
  EXPECT_EQ(stays->next(), std::nullopt);
}

TEST(Step7_AsCompleted, WatchesLineUpInTheOrderInWhichTheirFuturesAreDone) {
  Several several(6);
  several.promises[3].set_result(0);
  auto futures = concurrent::as_completed(several.futures);
  std::vector<Future<int>> order;
  const auto take = [&] { order.push_back(*futures.next()); };
  take();  // the one that was done from the start
  for (std::size_t i : {5, 0, 4}) several.promises[i].set_result(0);
  take();
  for (std::size_t i : {2, 1}) several.promises[i].set_result(0);
  for (int i = 0; i < 4; ++i) take();
  EXPECT_EQ(order, several.at({3, 5, 0, 4, 2, 1}));
  EXPECT_EQ(futures.next(), std::nullopt) << "each is given once";
}

TEST(Step7_AsCompleted, FuturesThatAreDoneWhileTheLoopEndsDoNoHarm) {  // CF-23
  for (int round = 0; round < 200; ++round) {
    Several several(20);
    std::barrier start(2);
    std::jthread setter([&] {
      start.arrive_and_wait();
      several.finish_all();
    });
    start.arrive_and_wait();
    auto futures = concurrent::as_completed(several.futures);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(futures.next());
  }
}
