// Chapter 04, step 10: map.

#include "support.hpp"
#include "to_vector.hpp"

#include <cstddef>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <set>
#include <utility>
#include <vector>

using course::to_vector;

namespace {

const std::vector<int> forty = [] {
  std::vector<int> numbers(40);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}();
const std::vector<int> doubled = [] {
  std::vector<int> numbers = forty;
  for (int& number : numbers) number *= 2;
  return numbers;
}();

}  // namespace

TEST(Step10_Map, ResultsComeInTheOrderOfTheItemsForAnyChunksize) {  // CF-54
  ProcessPoolExecutor pool({.max_workers = 2});
  for (const std::size_t chunksize : {1u, 6u, 40u, 50u})
    EXPECT_EQ(to_vector(pool.map(twice, forty, {.chunksize = chunksize})), doubled);
  EXPECT_TRUE(to_vector(pool.map(twice, std::vector<int>())).empty());
}

TEST(Step10_Map, AChunkIsOneCall) {
  ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
  const auto processes = to_vector(pool.map([](int) { return process(); }, forty, {.chunksize = 12}));
  EXPECT_EQ(processes.size(), 40u);
  EXPECT_EQ(std::set<int>(processes.begin(), processes.end()).size(), 4u);
  EXPECT_EQ(processes[0], processes[11]);
  EXPECT_NE(processes[11], processes[12]);
}

TEST(Step10_Map, AChunksizeOfZeroIsRefused) {  // CF-54
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_THROW(pool.map(twice, forty, {.chunksize = 0}), std::invalid_argument);
  EXPECT_THROW(pool.map(twice, forty, {.buffersize = 0}), std::invalid_argument);
  EXPECT_EQ(to_vector(pool.map(twice, forty)), doubled);
}

TEST(Step10_Map, AnyItemAndAnyResultThatCanCross) {
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(to_vector(pool.map([](const std::string& text) { return text + "!"; },
                               std::vector<const char*>{"a", "b"}, {.chunksize = 2})),
            (std::vector<std::string>{"a!", "b!"}));
  EXPECT_EQ(to_vector(pool.map([](int number) { return number % 2 == 0; }, std::views::iota(0, 4),
                               {.chunksize = 3})),
            (std::vector{true, false, true, false}));
  EXPECT_EQ(to_vector(pool.map([](int) {}, std::views::iota(0, 4), {.chunksize = 3})).size(), 4u);
}

TEST(Step10_Map, WhatACallThrowsComesInThePlaceOfItsChunk) {
  ProcessPoolExecutor pool({.max_workers = 2});
  auto results = pool.map([](int number) { return number == 7 ? throw std::out_of_range("far") : number; },
                          forty, {.chunksize = 5});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(results.next(), i);
  EXPECT_THROW(results.next(), RemoteError);
  EXPECT_FALSE(results.next()) << "that ends the range";
}

TEST(Step10_Map, ItemsMayBeReadOnceAndNoSoonerThanTheirChunk) {
  ProcessPoolExecutor pool({.max_workers = 1});
  int pulled = 0;
  auto items = concurrent::InputRange<int>([&]() -> std::optional<int> { return pulled++; });
  auto results = pool.map(twice, std::move(items), {.chunksize = 4, .buffersize = 2});
  EXPECT_EQ(pulled, 8) << "two chunks of items without end";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results.next(), 2 * i);
  EXPECT_LE(pulled, 28);
}

TEST(Step10_Map, TheTimeoutIsForTheWholeIteration) {
  Gate gate;
  ProcessPoolExecutor pool({.max_workers = 1});
  auto results = pool.map(Gate::pass, forty, {.timeout = 0s});
  EXPECT_THROW(results.next(), concurrent::TimeoutError);
  gate.open(40);
}

TEST(Step10_Map, ThePoolOfABrokenMapIsBroken) {
  ProcessPoolExecutor pool({.max_workers = 1});
  auto results =
      pool.map([](int number) { return number == 20 ? (::_exit(3), 0) : number; }, forty, {.chunksize = 10});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results.next(), i);
  EXPECT_THROW(results.next(), BrokenProcessPool);
  EXPECT_THROW(pool.map(twice, forty), BrokenProcessPool);
}

TEST(Step10_Map, AfterShutdownItIsRefused) {  // CF-39
  ProcessPoolExecutor pool({.max_workers = 1});
  pool.shutdown();
  EXPECT_THROW(pool.map(twice, forty), ExecutorShutdown);
}

TEST(Step10_Map, ItemsThatAreShownByAProxyCrossAsWhatTheyStandFor) {
  ProcessPoolExecutor pool({.max_workers = 1});
  const std::vector<bool> flags{true, false, true};
  std::vector<bool> negated;
  for (const bool flag : pool.map([](bool flag) { return !flag; }, flags, {.chunksize = 2}))
    negated.push_back(flag);
  EXPECT_EQ(negated, (std::vector<bool>{false, true, false}));
}

TEST(Step10_Map, NumbersMayBeAsLargeAsTheyGet) {
  ProcessPoolExecutor pool({.max_workers = 1});
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  const std::vector<int> items{1, 2, 3};
  for (const std::size_t chunksize : {std::size_t{1} << 40, most - 1, most}) {
    auto results =
        pool.map(twice, items,
                 {.timeout = std::chrono::nanoseconds::max(), .chunksize = chunksize, .buffersize = most});
    for (const int item : items) EXPECT_EQ(results.next(), 2 * item);
    EXPECT_EQ(results.next(), std::nullopt);
  }
}

TEST(Step10_Map, AChunkIsReadWhenAValueOfItIsWantedAndMayBeEmpty) {
  std::vector<int> emptied{99};
  emptied.clear();
  std::vector<std::vector<int>> chunks;
  chunks.push_back({1, 2});
  for (int i = 0; i < 3; ++i) chunks.push_back(std::exchange(emptied, {}));
  chunks.push_back({3});
  std::size_t read = 0;
  auto values = concurrent::detail::one_by_one(
      concurrent::InputRange<std::vector<int>>([&]() -> std::optional<std::vector<int>> {
        if (read == chunks.size()) return std::nullopt;
        return std::move(chunks[read++]);
      }));
  EXPECT_EQ(read, 0u);
  EXPECT_EQ(values.next(), 1);
  EXPECT_EQ(values.next(), 2);
  EXPECT_EQ(read, 1u) << "no value of the next chunk is wanted yet";
  EXPECT_EQ(values.next(), 3) << "an empty chunk has no values";
  EXPECT_EQ(values.next(), std::nullopt);
}

TEST(Step10_Map, ValuesAreMovedOutOfTheirChunk) {
  auto values = concurrent::detail::one_by_one(concurrent::InputRange<std::vector<std::shared_ptr<int>>>(
      [once = true]() mutable -> std::optional<std::vector<std::shared_ptr<int>>> {
        if (!std::exchange(once, false)) return std::nullopt;
        return std::vector{std::make_shared<int>(1), std::make_shared<int>(2)};
      }));
  for (const int number : {1, 2}) {
    const auto value = values.next();
    ASSERT_TRUE(value);
    EXPECT_EQ(**value, number);
    EXPECT_EQ(value->use_count(), 1) << "the chunk still has it: it was copied";
  }
  EXPECT_FALSE(values.next());
}
