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

/// A clock that jumps, and counts how often the loop asks it: the more passes, the more often.
class CountingSelector final : public asyncio::Selector {
 public:
  explicit CountingSelector(int& asked) : asked_(asked) {}

  void select(std::optional<Duration> timeout) override { clock_.select(timeout); }
  void wake() override { clock_.wake(); }
  TimePoint now() override {
    ++asked_;
    return clock_.now();
  }

 private:
  int& asked_;
  VirtualTimeSelector clock_;
};

constexpr int children = 100;

/// Awaits what `awaited(futures)` gives, of futures that are done one after another. @returns how often the
/// loop asks for the time meanwhile
template <class F>
int asked_while_it_awaits(F awaited) {
  int asked = 0;
  EventLoop loop(std::make_unique<CountingSelector>(asked));
  std::vector<Future<>> futures;
  for (int i = 0; i < children; ++i) {
    futures.push_back(loop.create_future());
    loop.call_later((i + 1) * 1s, [future = futures.back()]() mutable { future.set_result(); });
  }
  const int before = asked;
  loop.run_until_complete(awaited(futures));
  return asked - before;
}

}  // namespace

TEST(Step8_MakeItFast, AChildThatEndsTakesNoTurnOfTheLoopUnlessItIsTheLast) {
  const int of_the_last = asked_while_it_awaits([](const auto& futures) { return futures.back(); });
  const int of_all = asked_while_it_awaits([](const auto& futures) { return gather(futures); });
  EXPECT_LE(of_all, of_the_last + 10) << "each child that takes a turn is a pass more";
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
