// Chapter 00, step 2: the sequential model.

#include "support.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using concurrent::run_sequential;

TEST(Step2_RunSequential, TheFunctionIsCalledOnEachItemInOrder) {
  std::vector<int> seen;
  run_sequential(std::vector{3, 1, 2}, [&](int item) { seen.push_back(item); });
  EXPECT_EQ(seen, (std::vector{3, 1, 2}));
}

TEST(Step2_RunSequential, AllRunsOnTheCallingThread) {
  std::vector<std::thread::id> threads;
  run_sequential(std::views::iota(0, 3), [&](int) { threads.push_back(std::this_thread::get_id()); });
  EXPECT_EQ(threads, std::vector(3, std::this_thread::get_id()));
}

TEST(Step2_RunSequential, ResultsComeInTheOrderOfTheItems) {
  const auto squares = run_sequential(std::views::iota(1, 6), [](int item) { return item * item; });
  static_assert(std::is_same_v<decltype(squares), const std::vector<int>>);
  EXPECT_EQ(squares, (std::vector{1, 4, 9, 16, 25}));
}

TEST(Step2_RunSequential, AFunctionWithoutAResultGivesNone) {
  int sum = 0;
  const auto add = [&](int item) { sum += item; };
  static_assert(std::is_void_v<decltype(run_sequential(std::vector<int>(), add))>);
  run_sequential(std::vector{1, 2, 3}, add);
  EXPECT_EQ(sum, 6);
}

TEST(Step2_RunSequential, NoItemsGiveNoResults) {
  const auto results = run_sequential(std::vector<int>(), [](int item) { return item; });
  EXPECT_TRUE(results.empty());
}

TEST(Step2_RunSequential, ItemsCanBeChangedInPlace) {
  std::vector<int> items{1, 2, 3};
  run_sequential(items, [](int& item) { item *= 10; });
  EXPECT_EQ(items, (std::vector{10, 20, 30}));
}

TEST(Step2_RunSequential, ItemsAreNotCopied) {
  std::vector<std::unique_ptr<int>> items;
  for (int i = 1; i <= 3; ++i) items.push_back(std::make_unique<int>(i));
  const auto values = run_sequential(items, [](const std::unique_ptr<int>& item) { return *item; });
  EXPECT_EQ(values, (std::vector{1, 2, 3}));
  EXPECT_TRUE(std::ranges::all_of(items, [](const auto& item) { return item != nullptr; }))
      << "the caller still owns the items";
}

TEST(Step2_RunSequential, ItemsOfARangeOfTemporariesAreHandedOn) {
  std::vector<std::unique_ptr<int>> items;
  for (int i = 1; i <= 3; ++i) items.push_back(std::make_unique<int>(i));
  const std::ranges::subrange moved(std::move_iterator(items.begin()), std::move_iterator(items.end()));
  const auto taken = run_sequential(moved, [](std::unique_ptr<int> item) { return item; });
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(*taken[2], 3) << "results that only move are moved";
  EXPECT_EQ(items[2], nullptr) << "the function has taken the item over";
}

TEST(Step2_RunSequential, AResultByReferenceIsCopied) {
  std::vector<std::string> items{"salt", "pepper"};
  auto copies = run_sequential(items, [](std::string& item) -> std::string& { return item; });
  static_assert(std::is_same_v<decltype(copies), std::vector<std::string>>);
  items[0] = "sugar";
  EXPECT_EQ(copies, (std::vector<std::string>{"salt", "pepper"}));
}

TEST(Step2_RunSequential, ARangeThatCanBeReadOnlyOnceWillDo) {
  std::istringstream recipe("2 3 5");
  const auto doubled = run_sequential(std::views::istream<int>(recipe), [](int item) { return 2 * item; });
  EXPECT_EQ(doubled, (std::vector{4, 6, 10}));
}

TEST(Step2_RunSequential, AMemberWillDoAsTheFunction) {
  const std::vector<std::string> words{"a", "bc", ""};
  EXPECT_EQ(run_sequential(words, &std::string::size), (std::vector<std::size_t>{1, 2, 0}));
}

TEST(Step2_RunSequential, AnExceptionComesThroughAtOnce) {
  std::vector<int> seen;
  const auto visit = [&](int item) {
    seen.push_back(item);
    if (item == 2) throw std::out_of_range("two");
  };
  EXPECT_THROW(run_sequential(std::vector{1, 2, 3}, visit), std::out_of_range);
  EXPECT_EQ(seen, (std::vector{1, 2})) << "the items after it are not visited";
  EXPECT_THROW(run_sequential(std::vector{1, 2, 3},
                              [&](int item) {
                                visit(item);
                                return item;
                              }),
               std::out_of_range);
  EXPECT_EQ(seen, (std::vector{1, 2, 1, 2})) << "nor if there are results to lose";
}

TEST(Step2_RunSequential, MemoryForTheResultsIsAskedForOnce) {
  const auto items = std::views::iota(0, 1'000);
  const auto square = [](int item) { return item * item; };
  EXPECT_EQ(course::allocations_in([&] { run_sequential(items, square); }), 1u)
      << "a range that knows its size tells how many results there will be";
}
