// Chapter 10, step 8: what a gather costs.

#include "gather.hpp"
#include "support.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "allocations.hpp"

using asyncio::gather;

namespace {

/// A clock that jumps, and counts how often the loop looks for news: once in each pass.
class CountingSelector final : public asyncio::Selector {
 public:
  explicit CountingSelector(int& looks) : looks_(looks) {}

  void select(std::optional<Duration> timeout) override {
    ++looks_;
    clock_.select(timeout);
  }
  void wake() override { clock_.wake(); }
  TimePoint now() override { return clock_.now(); }

 private:
  int& looks_;
  VirtualTimeSelector clock_;
};

}  // namespace

TEST(Step8_MakeItFast, AChildThatEndsTakesNoTurnOfTheLoopUnlessItIsTheLast) {
  constexpr int children = 100;
  int looks = 0;
  EventLoop loop(std::make_unique<CountingSelector>(looks));
  std::vector<Future<>> futures;
  for (int i = 0; i < children; ++i) {
    futures.push_back(loop.create_future());
    loop.call_later((i + 1) * 1s, [future = futures.back()]() mutable { future.set_result(); });
  }
  loop.run_until_complete(gather(futures));
  EXPECT_LE(looks, children + 10) << "one for each timer, and a few at the end";
}

TEST(Step8_MakeItFast, InSteadyStateItAllocatesAFewTimesHoweverManyThereAre) {
  in_loop([]() -> Coro<> {
    const auto one_round = [](std::size_t children) -> Coro<> {
      std::vector<Coro<int>> coros;
      coros.reserve(children);
      for (std::size_t i = 0; i < children; ++i) coros.push_back(after(0s, 1));
      const std::vector<int> numbers = co_await gather(std::move(coros));
      EXPECT_EQ(numbers.size(), children);
    };
    const auto allocations_of = [&](std::size_t children) -> Coro<std::size_t> {
      for (int i = 0; i < 3; ++i) co_await one_round(children);
      const std::size_t before = course::allocations();
      co_await one_round(children);
      co_return course::allocations() - before;
    };
    const std::size_t of_ten = co_await allocations_of(10);
    const std::size_t of_a_thousand = co_await allocations_of(1'000);
    if (asyncio::NodePool::recycles) {
      EXPECT_LE(of_ten, 20u);
      EXPECT_LE(of_a_thousand, of_ten + 10) << "a vector that grows does so a few times more";
    }
  });
}

TEST(Step8_MakeItFast, OfTenThousandFuturesItAllocatesAsOftenAsOfTen) {
  in_loop([]() -> Coro<> {
    const auto allocations_of = [](std::size_t children) {
      std::vector<Future<>> futures;
      for (std::size_t i = 0; i < children; ++i) futures.push_back(get_running_loop().create_future());
      return course::allocations_in([&] { static_cast<void>(gather(futures)); });
    };
    const std::size_t of_ten = allocations_of(10);
    EXPECT_LE(allocations_of(10'000), of_ten + 2);
    co_return;
  });
}
