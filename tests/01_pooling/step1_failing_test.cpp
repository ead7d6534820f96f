// Chapter 01, steps 1 to 5: memory runs out, numbers are as large as they get, anything is thrown.

#include "support.hpp"

#include <atomic>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

TEST(Step1_AnsweringAtOnce, AnItemForWhichThereIsNoMemoryStaysWhereItIs) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    constexpr std::size_t count = 1'000;  // more than fit into the memory with which a queue may begin
    BlockingQueue<std::unique_ptr<int>> queue(count);
    std::vector<std::unique_ptr<int>> items;
    for (std::size_t i = 0; i < count; ++i) items.push_back(std::make_unique<int>(i));
    std::size_t pushed = 0;
    const bool sufficed = memory.suffices_for([&] {
      for (; pushed < count; ++pushed) queue.push(std::move(items[pushed]));
    });
    EXPECT_EQ(sufficed, pushed == count);
    EXPECT_EQ(queue.size(), pushed);
    EXPECT_TRUE(sufficed || items[pushed]) << "a push that fails takes nothing";
    for (; pushed < count; ++pushed)
      queue.push(std::move(items[pushed]));  // hangs if the one that failed has taken up the room
    for (int i = 0; const auto& item : items) {
      EXPECT_FALSE(item);
      ASSERT_EQ(**queue.try_pop(), i++);
    }
  });
  EXPECT_GT(failures, 0);
}

TEST(Step2_Waiting, ACapacityMayBeAsLargeAsANumberGets) {
  for (const std::size_t capacity :
       {std::size_t{1} << 31, std::size_t{1} << 32, std::numeric_limits<std::size_t>::max() - 1}) {
    BlockingQueue<int> queue(capacity);
    queue.push(1);  // hangs if the queue thinks that it has no room
    queue.push(2);
    EXPECT_EQ(queue.pop(), 1);
    EXPECT_EQ(queue.try_pop(), 2);
  }
}

TEST(Step2_Waiting, APushThatWaitsSleeps) {
  BlockingQueue<int> queue(1);
  queue.push(1);
  std::thread producer([&] { queue.push(2); });
  course::wait_until_others_block();
  EXPECT_EQ(course::what_waiting_threads_do(), "nothing");
  queue.pop();
  producer.join();
}

TEST(Step3_Closing, ARefusedItemStaysWhereItIs) {
  BlockingQueue<std::unique_ptr<int>> queue(1);
  queue.push(std::make_unique<int>(1));
  auto item = std::make_unique<int>(2);
  std::thread producer([&] { EXPECT_THROW(queue.push(std::move(item)), concurrent::Closed); });
  course::wait_until_others_block();
  queue.close();
  producer.join();
  EXPECT_TRUE(item) << "of a push that waited";
  EXPECT_THROW(queue.push(std::move(item)), concurrent::Closed);
  EXPECT_TRUE(item) << "of a push that came too late";
}

TEST(Step4_Workers, AJobForWhichThereIsNoMemoryIsDestroyedAndThePoolWorksOn) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    std::atomic<int> ran = 0, alive = 0;
    int posted = 0;
    {
      ThreadPool pool{{.max_workers = 2}};
      auto owned = std::make_unique<Counted>(alive);
      posted = memory.suffices_for([&] { pool.post([&ran, owned = std::move(owned)] { ++ran; }); });
      EXPECT_LE(pool.threads_started(), 1u);
      for (int i = 0; i < 3; ++i) pool.post([&] { ran += 10; });
      EXPECT_LE(pool.threads_started(), 2u);
    }
    EXPECT_EQ(ran, 30 + posted);
    EXPECT_EQ(alive, 0);
  });
  EXPECT_GT(failures, 0);
}

TEST(Step4_Workers, TheMostWorkersMayBeAsManyAsANumberGets) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool{{.max_workers = std::numeric_limits<int>::max()}};
    for (int i = 0; i < 3; ++i) pool.post([&] { ++ran; });
    EXPECT_LE(pool.threads_started(), 3u);
  }
  EXPECT_EQ(ran, 3);
}

TEST(Step4_Workers, AnythingMayBeThrownByAJob) {
  course::Log log;
  {
    ThreadPool pool{{.max_workers = 1}};
    pool.set_exception_handler([&](std::exception_ptr error) { log.push_back(course::what(error)); });
    pool.post([] { throw 7; });
    pool.post([&] { log.push_back("next"); });
  }
  EXPECT_EQ(log, (course::Log{"7", "next"}));
}

TEST(Step4_Workers, TheDestructorOfAJobMayPost) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool{{.max_workers = 1}};
    course::AtEnd post_another([&] { pool.post([&] { ++ran; }); });
    pool.post([&ran, post_another = std::move(post_another)] { ++ran; });
    course::wait_until_others_block();
    EXPECT_EQ(ran, 2);
  }
}

TEST(Step5_Shutdown, AnythingMayBeThrownByAnInitializer) {
  std::atomic<int> reported = 0;
  ThreadPool pool{{.max_workers = 1, .initializer = [] { throw 7; }}};
  pool.set_exception_handler([&](std::exception_ptr error) { reported += course::what(error) == "7"; });
  pool.post([] {});
  course::wait_until_others_block();
  EXPECT_EQ(reported, 1);
  EXPECT_THROW(pool.post([] {}), concurrent::BrokenThreadPool);
  EXPECT_THROW(pool.post([] {}), concurrent::BrokenThreadPool) << "each time";
  pool.shutdown();
  EXPECT_THROW(pool.post([] {}), concurrent::BrokenThreadPool) << "also when it has been shut down";
}
