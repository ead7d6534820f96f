// Chapter 03, step 2: waiting.

#include "support.hpp"

#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>

TEST(Step2_Waiting, ResultWaitsForTheValue) {
  Promise<int> promise;
  std::string got;
  std::thread reader([&, future = promise.future()] { got = std::to_string(future.result()); });
  course::wait_until_others_block();
  promise.set_result(42);
  reader.join();
  EXPECT_EQ(got, "42");
}

TEST(Step2_Waiting, ResultAndExceptionWaitForAFailureToo) {
  Promise<int> promise;
  std::string thrown, told;
  std::thread reader([&, future = promise.future()] { thrown = outcome_at_last(future); });
  std::thread other([&, future = promise.future()] { told = what(future.exception()); });
  course::wait_until_others_block();
  promise.set_exception(error("burnt"));
  reader.join();
  other.join();
  EXPECT_EQ(thrown, "burnt");
  EXPECT_EQ(told, "burnt");
}

TEST(Step2_Waiting, AWaitWithATimeoutEndsWhenTheResultComes) {  // CF-05, CF-07
  Promise<int> promise;
  int got = 0;
  std::exception_ptr told = error("not asked yet");
  std::thread reader([&, future = promise.future()] { got = future.result(1h); });
  std::thread other([&, future = promise.future()] { told = future.exception(1h); });
  course::wait_until_others_block();
  promise.set_result(42);
  reader.join();
  other.join();
  EXPECT_EQ(got, 42);
  EXPECT_EQ(told, nullptr);
}

TEST(Step2_Waiting, WhenTheTimeIsUpItThrowsTimeoutErrorAndTheFutureStaysAsItIs) {  // CF-05, CF-07
  Promise<int> promise;
  const Future<int> future = promise.future();
  EXPECT_THROW(future.result(0s), concurrent::TimeoutError);
  EXPECT_THROW(future.result(-5s), concurrent::TimeoutError);
  EXPECT_THROW(future.result(1ms), concurrent::TimeoutError);
  EXPECT_THROW(future.result(std::chrono::duration<double>(1e-4)), concurrent::TimeoutError);
  EXPECT_THROW((void)future.exception(1ms), concurrent::TimeoutError);
  EXPECT_EQ(future.state(), FutureState::pending);
  promise.set_result(1);
  EXPECT_EQ(future.result(0s), 1);
  EXPECT_EQ(future.result(-5s), 1) << "whoever asks without waiting gets what is there";
}

TEST(Step2_Waiting, ATimeoutBeyondTheEndOfTimeIsNone) {
  Promise<int> promise;
  int got = 0;
  std::thread reader([&, future = promise.future()] { got = future.result(std::chrono::hours::max()); });
  course::wait_until_others_block();
  promise.set_result(42);
  reader.join();
  EXPECT_EQ(got, 42);
}

TEST(Step2_Waiting, EveryThreadThatWaitsIsReleased) {
  Promise<int> promise;
  std::atomic<int> sum = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 5; ++i)
    readers.emplace_back([&, future = promise.future()] { sum += future.result(); });
  course::wait_until_others_block();
  promise.set_result(8);
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(sum, 5 * 8);
}

TEST(Step2_Waiting, OneThatGivesUpLeavesTheOthersWaiting) {
  Promise<int> promise;
  const Future<int> future = promise.future();
  std::atomic<int> sum = 0;
  std::vector<std::thread> readers;
  const auto one_more = [&](auto read) {
    readers.emplace_back(read);
    course::wait_until_others_block();
  };
  one_more([&] { sum += future.result(); });
  EXPECT_THROW(future.result(1ms), concurrent::TimeoutError);  // the newest of two gives up
  one_more([&] { EXPECT_THROW(future.result(50ms), concurrent::TimeoutError); });
  one_more([&] { sum += future.result(); });
  readers[1].join();  // the one in the middle gave up
  promise.set_result(8);
  readers[0].join();
  readers[2].join();
  EXPECT_EQ(sum, 2 * 8);
}

TEST(Step2_Waiting, AWaiterThatHasWaitedCanWaitAgain) {
  Several several(3);
  std::atomic<int> done = 0;
  std::thread thread([&] {
    for (const auto& future : several.futures) done += future.result();
  });
  for (int i = 0; i < 3; ++i) {
    course::wait_until_others_block();
    EXPECT_EQ(done, i);
    several.promises[static_cast<std::size_t>(i)].set_result(1);
  }
  thread.join();
}

TEST(Step2_Waiting, WaitingUsesNoProcessorTime) {
  Promise<void> promise;
  std::thread reader([&, future = promise.future()] { future.result(); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing")
      << "a result() that waits is asleep: it must not look again and again";
  promise.set_result();
  reader.join();
}

TEST(Step2_Waiting, AResultThatComesJustWhenSomebodyBeginsToWaitIsNotMissed) {
  for (int round = 0; round < 500; ++round) {
    Promise<int> promise;
    std::barrier start(3);
    std::atomic<int> sum = 0;
    std::vector<std::jthread> readers;
    for (int i = 0; i < 2; ++i)
      readers.emplace_back([&, future = promise.future()] {
        start.arrive_and_wait();
        sum += future.result();
      });
    start.arrive_and_wait();
    promise.set_result(1);
    readers.clear();  // hangs if one of them went to sleep after the news
    ASSERT_EQ(sum, 2);
  }
}
