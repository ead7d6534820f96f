// Right programs: promises, futures and what makes them.

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;
using self_test::finds_nothing;

TEST(RightFutures, APromiseOfAString) {
  const auto program = [] {
    std::promise<std::string> promise;
    auto future = promise.get_future();
    std::jthread worker([&] { promise.set_value("a text that is too long to lie in the string itself"); });
    EXPECT_EQ(future.get().size(), 51u);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, APromiseMayGoAtOnce) {
  const auto program = [] {
    auto promise = std::make_unique<std::promise<int>>();
    auto future = promise->get_future();
    std::jthread worker([promise = std::move(promise)] { promise->set_value(7); });
    EXPECT_EQ(future.get(), 7);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, AnExceptionByAPromise) {
  const auto program = [] {
    std::promise<int> promise;
    auto future = promise.get_future();
    std::jthread worker([promise = std::move(promise)]() mutable {
      try {
        throw std::runtime_error("a text that is too long to lie in the string itself");
      } catch (...) {
        promise.set_exception(std::current_exception());
      }
    });
    EXPECT_THROW(future.get(), std::runtime_error);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, ABrokenPromise) {
  const auto program = [] {
    std::promise<int> promise;
    auto future = promise.get_future();
    std::jthread worker([promise = std::move(promise)]() mutable { const auto gone = std::move(promise); });
    EXPECT_THROW(future.get(), std::future_error);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, ASharedFuture) {
  const auto program = [] {
    std::promise<int> promise;
    const auto future = promise.get_future().share();
    std::jthread a([future] { EXPECT_EQ(future.get(), 5); });
    std::jthread b([future] { EXPECT_EQ(future.get(), 5); });
    promise.set_value(5);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, APackagedTask) {
  const auto program = [] {
    std::packaged_task<int(int)> task([](int x) { return 2 * x; });
    auto future = task.get_future();
    std::jthread worker(std::move(task), 21);
    EXPECT_EQ(future.get(), 42);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, TwoAsyncs) {
  const auto program = [] {
    auto a = std::async(std::launch::async, [] { return 3; });
    auto b = std::async(std::launch::async, [] { return 4; });
    EXPECT_EQ(a.get() + b.get(), 7);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, AnAsyncThatThrows) {
  const auto program = [] {
    auto future = std::async(std::launch::async, []() -> int { throw std::out_of_range("far"); });
    EXPECT_THROW(future.get(), std::out_of_range);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, AnAsyncThatIsDropped) {
  const auto program = [] {
    int ran = 0;
    static_cast<void>(std::async(std::launch::async, [&] { ran = 1; }));
    EXPECT_EQ(ran, 1);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, ADeferredCall) {
  const auto program = [] {
    std::shared_future<int> future = std::async(std::launch::deferred, [] { return 3; });
    std::jthread other([future] { EXPECT_EQ(future.get(), 3); });
    EXPECT_EQ(future.get(), 3);
  };
  EXPECT_TRUE(finds_nothing(program));
}

TEST(RightFutures, AWaitForAWhileAndAgain) {
  const auto program = [] {
    auto future = std::async(std::launch::async, [] {
      std::this_thread::sleep_for(10ms);
      return 3;
    });
    while (future.wait_for(1ms) != std::future_status::ready) {
    }
    EXPECT_EQ(future.get(), 3);
  };
  EXPECT_TRUE(finds_nothing(program));
}
