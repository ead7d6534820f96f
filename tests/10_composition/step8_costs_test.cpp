// Chapter 10, step 8: what a gather costs.

#include "gather.hpp"
#include "support.hpp"

#include <cstddef>
#include <utility>
#include <vector>

#include "allocations.hpp"

using asyncio::gather;

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

TEST(Step8_MakeItFast, ItTakesNoMemoryOfItsOwnForEachChildButOnePlace) {
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
