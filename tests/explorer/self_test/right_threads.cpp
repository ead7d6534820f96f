// Right programs: threads, how they begin, stop and end, and what belongs to each.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;
using self_test::finds_nothing;

TEST(RightThreads, AJoinOrdersAll) {
  const auto program = [] {
    int value = 1;
    std::thread worker([&] { value *= 2; });
    worker.join();
    EXPECT_EQ(value, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightThreads, ArgumentsAreCopiedOrMoved) {
  const auto program = [] {
    std::atomic<int> sum = 0;
    {
      std::jthread a([&](const std::vector<int>& numbers) { sum += numbers[2]; }, std::vector{1, 2, 3});
      std::jthread b([&](std::unique_ptr<int> number) { sum += *number; }, std::make_unique<int>(4));
      std::jthread c([](std::atomic<int>& total) { total += 5; }, std::ref(sum));
    }
    EXPECT_EQ(sum, 12);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightThreads, AThreadStartsAThread) {
  const auto program = [] {
    int value = 0;
    std::jthread outer([&] { std::jthread inner([&] { value = 1; }); });
    outer.join();
    EXPECT_EQ(value, 1);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightThreads, Twenty) {
  const auto program = [] {
    std::atomic<int> count = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 20; ++i) threads.emplace_back([&] { ++count; });
    threads.clear();
    EXPECT_EQ(count, 20);
  };
  EXPECT_TRUE(finds_nothing(program, 4'000));
}

TEST(RightThreads, ADetachedThread) {
  const auto program = [] {
    const auto count = std::make_shared<std::atomic<int>>(0);
    std::thread([count] {
      ++*count;
      count->notify_one();
    }).detach();
    count->wait(0);
    EXPECT_EQ(*count, 1);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightThreads, ADetachedThreadThatNobodyWaitsFor) {
  const auto program = [] {
    std::thread([numbers = std::make_unique<std::vector<int>>(3)] {
      std::this_thread::sleep_for(1ms);
      EXPECT_EQ(numbers->size(), 3u);
    }).detach();
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightThreads, AStopToken) {
  const auto program = [] {
    int rounds = 0;
    std::jthread worker([&](const std::stop_token& token) {
      while (!token.stop_requested() && rounds < 3) {
        ++rounds;
        std::this_thread::yield();
      }
    });
    worker.request_stop();
    worker.join();
    EXPECT_LE(rounds, 3);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightThreads, AStopCallbackIsCalledOrNot) {
  const auto program = [] {
    std::stop_source source;
    std::atomic<int> calls = 0;
    {
      std::jthread worker(
          [&, token = source.get_token()] { std::stop_callback callback(token, [&] { ++calls; }); });
      source.request_stop();
    }
    EXPECT_LE(calls, 1);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightThreads, OneOfTwoRequestsStops) {
  const auto program = [] {
    std::stop_source source;
    std::atomic<int> first = 0;
    int calls = 0;
    std::stop_callback callback(source.get_token(), [&] { ++calls; });
    {
      std::jthread other([&, source]() mutable { first += source.request_stop(); });
      first += source.request_stop();
    }
    EXPECT_EQ(first, 1);
    EXPECT_EQ(calls, 1);
  };
  EXPECT_TRUE(finds_nothing(program));
}

namespace {

struct AtExit {
  std::mutex* mutex = nullptr;
  int* count = nullptr;

  ~AtExit() {
    if (!mutex) return;
    std::lock_guard lock(*mutex);
    ++*count;
  }
};
thread_local AtExit at_exit;
thread_local int calls_of_this_thread = 0;

}  // namespace

TEST(RightThreads, ThreadLocalVariablesAreDestroyed) {
  const auto program = [] {
    std::mutex mutex;
    int count = 0;
    {
      const auto run = [&] {
        EXPECT_EQ(at_exit.mutex, nullptr);
        at_exit.mutex = &mutex;
        at_exit.count = &count;
      };
      std::jthread a(run), b(run);
    }
    EXPECT_EQ(count, 2);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightThreads, ThreadLocalVariablesAreEachThreadsOwn) {
  const auto program = [] {
    const auto run = [] {
      EXPECT_EQ(++calls_of_this_thread, 1);
      std::this_thread::yield();
      EXPECT_EQ(++calls_of_this_thread, 2);
    };
    std::jthread a(run), b(run);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightThreads, IdentitiesDiffer) {
  const auto program = [] {
    std::thread::id inner;
    std::thread worker([&] { inner = std::this_thread::get_id(); });
    const auto outer = worker.get_id();
    worker.join();
    EXPECT_EQ(inner, outer);
    EXPECT_NE(inner, std::this_thread::get_id());
  };
  EXPECT_TRUE(finds_nothing(program));
}
