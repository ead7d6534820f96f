// Chapter 00, step 2: with results and without, whatever breaks.

#include "support.hpp"

#include <memory>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "fragile.hpp"

using concurrent::run_sequential;

TEST(Step2_RunSequential, WhereverAnItemBreaksItComesThroughAndNothingIsLeft) {
  for (const bool results : {false, true}) {
    const int failures = course::until_nothing_breaks([&](course::Fuse& fuse) {
      std::vector<int> visited;
      const std::string error = course::error_of([&] {
        const auto items = course::fragile_items(3, fuse);
        if (results)
          run_sequential(items, [&](int item) { return visited.push_back(item), std::string(50, 'x'); });
        else
          run_sequential(items, [&](int item) { visited.push_back(item); });
      });
      EXPECT_EQ(error, fuse.burnt() ? "broke" : "nothing");
      for (int i = 0; i < static_cast<int>(visited.size()); ++i)
        EXPECT_EQ(visited[static_cast<std::size_t>(i)], i) << "each item is visited once, in order";
      if (!fuse.burnt()) {
        EXPECT_EQ(visited.size(), 3u);
      }
    });
    EXPECT_EQ(failures, 6) << "each item is read once, and stepped over once";
  }
}

TEST(Step2_RunSequential, WhereverAResultBreaksTheOthersAreDestroyed) {
  const int failures = course::until_nothing_breaks([](course::Fuse& fuse) {
    const std::string error = course::error_of([&] {
      const auto results =
          run_sequential(std::views::iota(0, 3), [&](int item) { return course::Fragile(item, fuse); });
      EXPECT_EQ(results.size(), 3u);
    });
    EXPECT_EQ(error, fuse.burnt() ? "broke" : "nothing");
    EXPECT_EQ(course::Fragile::alive, 0);
  });
  EXPECT_EQ(failures, 3) << "each result is moved once, to where it stays";
}

TEST(Step2_RunSequential, IfMemoryRunsOutTheOthersAreGivenBack) {
  const int failures = course::until_memory_suffices([](course::Memory& memory) {
    const std::size_t before = course::allocations() - course::deallocations();
    static_cast<void>(memory.suffices_for(
        [] { run_sequential(std::views::iota(0, 20), [](int) { return std::string(100, 'x'); }); }));
    EXPECT_EQ(course::allocations() - course::deallocations(), before);
  });
  EXPECT_EQ(failures, 21) << "one for the results, which know their number, and one for each";
}

TEST(Step2_RunSequential, WithResultsOrWithoutItemsAreHandedOnAsTheyAre) {
  const std::vector<int> numbers{1, 2};
  auto made = numbers | std::views::transform([](int number) { return std::make_unique<int>(number); });
  int sum = 0;
  run_sequential(made, [&](std::unique_ptr<int>&& item) { sum += *item; });
  EXPECT_EQ(sum, 3) << "without results";
  const auto results = run_sequential(made, [](std::unique_ptr<int>&& item) { return std::move(item); });
  EXPECT_EQ(*results[0] + *results[1], 3) << "with results";

  std::vector<int> items{1, 2};
  run_sequential(items, [](int& item) { item *= 10; });
  EXPECT_EQ(items, (std::vector{10, 20})) << "without results";
  run_sequential(items, [](int& item) { return item += 1; });
  EXPECT_EQ(items, (std::vector{11, 21})) << "with results";
}

TEST(Step2_RunSequential, WithResultsOrWithoutTheFunctionIsOne) {
  struct Counter {
    int* calls;
    int own = 0;
    int operator()(int) { return *calls = ++own; }
  };
  struct Silent {
    int* calls;
    int own = 0;
    void operator()(int) { *calls = ++own; }
  };
  int calls = 0;
  EXPECT_EQ(run_sequential(std::views::iota(0, 3), Counter{&calls}), (std::vector{1, 2, 3}));
  run_sequential(std::views::iota(0, 3), Silent{&calls});
  EXPECT_EQ(calls, 3) << "the function was copied for each call";
}

TEST(Step2_RunSequential, WithResultsOrWithoutAnythingMayBeThrownAtOnce) {
  int visited = 0;
  const auto burn = [&](int item) {
    ++visited;
    if (item == 1) throw 7;
    return item;
  };
  EXPECT_EQ(course::error_of([&] { run_sequential(std::views::iota(0, 5), burn); }), "7");
  EXPECT_EQ(course::error_of([&] {
              run_sequential(std::views::iota(0, 5), [&](int item) { static_cast<void>(burn(item)); });
            }),
            "7");
  EXPECT_EQ(visited, 4) << "two each: the items after the one that burnt are not visited";
}
