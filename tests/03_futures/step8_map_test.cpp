// Chapter 03, step 8: map.

#include "support.hpp"
#include "to_vector.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <ranges>
#include <semaphore>

using course::to_vector;

namespace {

/// The one type of the functions that tests map, for the reason that Call has.
using IntOfInt = std::function<int(int)>;

const IntOfInt same = [](int item) { return item; };

}  // namespace

TEST(Step8_Map, ResultsComeInTheOrderOfTheItems) {  // CF-26
  constexpr int items = 4;
  std::vector<std::binary_semaphore*> done;
  std::deque<std::binary_semaphore> semaphores;
  for (int i = 0; i <= items; ++i) done.push_back(&semaphores.emplace_back(0));
  done[items]->release();
  ThreadPoolExecutor pool{{.max_workers = items}};
  const IntOfInt last_one_first = [&](int item) {
    done[static_cast<std::size_t>(item) + 1]->acquire();
    done[static_cast<std::size_t>(item)]->release();
    return 10 * item;
  };
  EXPECT_EQ(to_vector(pool.map(last_one_first, std::views::iota(0, items))),
            (std::vector<int>{0, 10, 20, 30}));
}

TEST(Step8_Map, SeveralRangesAreReadSideBySideUntilTheShortestEnds) {  // CF-26
  InlineExecutor executor;
  const std::vector<int> tens{10, 20, 30};
  EXPECT_EQ(to_vector(executor.map(add, tens, std::vector{1, 2, 3, 4})), (std::vector<int>{11, 22, 33}));
  EXPECT_EQ(to_vector(executor.map(add, std::views::iota(1), tens)), (std::vector<int>{11, 22, 33}));
  const auto add_all = [](int a, long b, const std::string& c) {
    return a + static_cast<int>(b) + std::stoi(c);
  };
  const std::array<std::string, 2> hundreds{"100", "200"};
  EXPECT_EQ(to_vector(executor.map(add_all, tens, std::views::iota(1L), hundreds)),
            (std::vector<int>{111, 222}));
  EXPECT_TRUE(to_vector(executor.map(add, tens, std::vector<int>())).empty());
}

TEST(Step8_Map, AllCallsAreSubmittedBeforeMapReturns) {  // CF-27
  std::vector<int> seen;
  ManualExecutor executor;
  const IntOfInt see = [&](int item) { return seen.push_back(item), item; };
  auto results = executor.map(see, std::views::iota(0, 50));
  EXPECT_EQ(executor.pending(), 50u);
  executor.run_all();
  EXPECT_EQ(seen.size(), 50u) << "the calls run even if nobody reads their results";
  EXPECT_TRUE(std::ranges::is_sorted(seen)) << "they are submitted in order";
  EXPECT_EQ(results.next(), 0);
}

TEST(Step8_Map, ItemsMayComeFromATemporaryOrFromARangeThatIsReadOnce) {
  ManualExecutor executor;
  const auto length = [](const std::string& word) { return static_cast<int>(word.size()); };
  auto lengths = executor.map(length, std::vector<std::string>{"salt", "a word too long for the string"});
  std::size_t pulled = 0;
  auto counted = executor.map(length, concurrent::InputRange<std::string>([&] {
                                return pulled < 3 ? std::optional(std::string(++pulled, 'x')) : std::nullopt;
                              }));
  executor.run_all();
  EXPECT_EQ(to_vector(lengths), (std::vector<int>{4, 30}));
  EXPECT_EQ(to_vector(counted), (std::vector<int>{1, 2, 3}));
}

TEST(Step8_Map, AnExceptionComesAtItsPlaceAndEndsTheRange) {  // CF-28
  std::atomic<int> ran = 0;
  ManualExecutor executor;
  const IntOfInt burn = [&](int item) { return ++ran, item == 2 ? throw std::runtime_error("burnt") : item; };
  auto results = executor.map(burn, std::views::iota(0, 6));
  for (int i = 0; i < 3; ++i) executor.run_one();
  EXPECT_EQ(results.next(), 0);
  EXPECT_EQ(results.next(), 1) << "what came before is given first";
  EXPECT_THROW(results.next(), std::runtime_error);
  EXPECT_EQ(results.next(), std::nullopt) << "after an exception the range has ended";
  EXPECT_EQ(executor.run_all(), 3u);
  EXPECT_EQ(ran, 3) << "nobody will read the other results: their calls are cancelled";
}

TEST(Step8_Map, ARangeThatEndsWithAnExceptionSubmitsNoMoreCalls) {
  ManualExecutor executor;
  const IntOfInt burn = [](int) -> int { throw std::runtime_error("burnt"); };
  auto results = executor.map(burn, std::views::iota(0), {.buffersize = 1});
  executor.run_one();
  EXPECT_THROW(results.next(), std::runtime_error);
  EXPECT_EQ(executor.pending(), 0u) << "there was room for a call, but nobody will read its result";
}

TEST(Step8_Map, WhenTheTimeIsUpTheLoopThrowsAndTheRestIsCancelled) {  // CF-29, CF-30
  std::atomic<int> ran = 0;
  ManualExecutor executor;
  const IntOfInt run = [&](int item) { return ++ran, item; };
  auto results = executor.map(run, std::views::iota(0, 5), {.timeout = 0s});
  for (int i = 0; i < 2; ++i) executor.run_one();
  EXPECT_EQ(results.next(), 0) << "results that are there are given, timeout or not";
  EXPECT_EQ(results.next(), 1);
  EXPECT_THROW(results.next(), concurrent::TimeoutError);
  EXPECT_EQ(results.next(), std::nullopt);
  executor.run_all();
  EXPECT_EQ(ran, 2) << "the call that was waited for is cancelled like the others";
}

TEST(Step8_Map, ATimeoutErrorOfACallIsJustAnException) {  // CF-29
  InlineExecutor executor;
  const IntOfInt time_out = [](int) -> int { throw concurrent::TimeoutError("the oven's"); };
  auto results = executor.map(time_out, std::views::iota(0, 1));
  try {
    results.next();
    FAIL() << "the call's exception must come out";
  } catch (const concurrent::TimeoutError& e) {
    EXPECT_STREQ(e.what(), "the oven's");
  }
}

TEST(Step8_Map, ARangeThatIsGivenUpCancelsWhatHasNotBegun) {  // CF-30
  std::atomic<int> ran = 0;
  Gate gate;
  const IntOfInt stop_at_one = [&](int item) {
    if (item == 1) gate.pass();
    return ++ran;
  };
  {
    ThreadPoolExecutor pool{{.max_workers = 1}};
    {
      auto results = pool.map(stop_at_one, std::views::iota(0, 10));
      EXPECT_EQ(results.next(), 1);
      gate.wait_until_entered();
    }
    gate.open();
  }
  EXPECT_EQ(ran, 2) << "the call that ran finishes; the others never begin";
}

TEST(Step8_Map, ARangeThatNobodyReadsLetsItsCallsRun) {  // CF-27
  std::vector<int> seen;
  ManualExecutor executor;
  const IntOfInt see = [&](int item) { return seen.push_back(item), item; };
  executor.map(see, std::views::iota(0, 5));
  executor.run_all();
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4}))
      << "only a range that somebody has begun to read cancels the rest";
  {
    auto results = executor.map(see, std::views::iota(5, 10));
    executor.run_one();
    EXPECT_EQ(results.next(), 5);
  }
  executor.run_all();
  EXPECT_EQ(seen.size(), 6u) << "and this one was begun";
}

TEST(Step8_Map, WithABufferOnlySoManyCallsAreUnderWay) {  // CF-31
  std::vector<int> ran;
  ManualExecutor executor;
  const IntOfInt run = [&](int item) { return ran.push_back(item), item; };
  auto results = executor.map(run, std::views::iota(0), {.buffersize = 3});  // items without end
  EXPECT_EQ(executor.pending(), 3u);
  for (int i = 0; i < 10; ++i) {
    executor.run_one();
    EXPECT_EQ(results.next(), i);
    EXPECT_EQ(executor.pending(), 3u) << "for each result that is read, one call is submitted";
  }
  EXPECT_EQ(ran.size(), 10u);
}

TEST(Step8_Map, ABufferLargerThanTheInputDoesNoHarm) {  // CF-31
  ManualExecutor executor;
  const std::vector<int> items{0, 1, 2};
  auto results = executor.map(add, items, std::vector{0, 1, 2, 3}, {.timeout = 1h, .buffersize = 5});
  EXPECT_EQ(executor.pending(), 3u);
  executor.run_all();
  EXPECT_EQ(to_vector(results), (std::vector<int>{0, 2, 4}));
  EXPECT_EQ(executor.pending(), 0u);
}

TEST(Step8_Map, WithABufferItemsArePulledNoSoonerThanNeeded) {  // CF-31
  int pulled = 0;
  ManualExecutor executor;
  auto results = executor.map(same, concurrent::InputRange<int>([&] { return std::optional(++pulled); }),
                              {.buffersize = 2});
  EXPECT_EQ(pulled, 2);
  executor.run_all();
  EXPECT_EQ(results.next(), 1);
  EXPECT_EQ(pulled, 3);
}

TEST(Step8_Map, ABufferOfZeroIsRefused) {  // CF-31
  ManualExecutor executor;
  EXPECT_THROW(executor.map(same, std::views::iota(1, 3), {.buffersize = 0}), std::invalid_argument);
  EXPECT_EQ(executor.pending(), 0u);
  auto results = executor.map(same, std::views::iota(1, 3), {.buffersize = 1});
  executor.run_one();
  EXPECT_EQ(results.next(), 1);
}

TEST(Step8_Map, AFunctionThatReturnsNothingGivesAnEmptyValueForEachItem) {
  int sum = 0, values = 0;
  InlineExecutor executor;
  auto results = executor.map([&](int item) { sum += item; }, std::views::iota(1, 4));
  while (results.next()) ++values;
  EXPECT_EQ(values, 3);
  EXPECT_EQ(sum, 6);
}

TEST(Step8_Map, ResultsAreMovedOutOfTheirFutures) {
  InlineExecutor executor;
  auto results = executor.map([](int item) { return std::make_unique<int>(item); }, std::views::iota(1, 3));
  EXPECT_EQ(**results.next(), 1);
  EXPECT_EQ(**results.next(), 2);
}

TEST(Step8_Map, AResultThatWasReadIsNotKept) {  // CF-32
  InlineExecutor executor;
  auto results = executor.map([](int item) { return std::make_shared<int>(item); }, std::views::iota(1, 3));
  const std::weak_ptr<int> first = *results.next();
  EXPECT_TRUE(first.expired());
}

TEST(Step8_Map, AReferenceBecomesAValue) {
  InlineExecutor executor;
  std::vector<int> pots{10, 20};
  auto results =
      executor.map([&](int i) -> int& { return pots[static_cast<std::size_t>(i)]; }, std::views::iota(0, 2));
  static_assert(std::is_same_v<std::ranges::range_value_t<decltype(results)>, int>);
  std::optional<int> pot = results.next();
  *pot += 1;
  EXPECT_EQ(pots[0], 10) << "the result is a copy of what the call refers to";
  EXPECT_EQ(results.next(), 20);
}

TEST(Step8_Map, AfterShutdownItThrows) {  // CF-39
  ManualExecutor executor;
  auto results = executor.map(same, std::views::iota(1, 3));
  executor.shutdown({.cancel_futures = true});
  EXPECT_THROW(results.next(), concurrent::CancelledError) << "a cancelled call is told at its place";
  EXPECT_THROW(executor.map(same, std::views::iota(1, 3)), concurrent::ExecutorShutdown);
}

TEST(Step8_Map, IfSubmittingFailsWhatWasSubmittedIsCancelled) {
  std::atomic<int> ran = 0;
  int plates = 0;
  ManualExecutor executor;
  const IntOfInt run = [&](int item) { return ++ran, item; };
  EXPECT_THROW(executor.map(run, concurrent::InputRange<int>([&] {
                              return plates < 3 ? std::optional(++plates)
                                                : throw std::runtime_error("no more plates");
                            })),
               std::runtime_error);
  EXPECT_EQ(executor.pending(), 3u);
  executor.run_all();
  EXPECT_EQ(ran, 0);
  auto results = executor.map(run, std::views::iota(7, 8));
  executor.run_all();
  EXPECT_EQ(results.next(), 7) << "the executor works on";
}

TEST(Step8_Map, APoolMapsManyItems) {
  const IntOfInt twice = [](int item) { return 2 * item; };
  ThreadPoolExecutor pool{{.max_workers = 2}};
  for (const std::optional<std::size_t> buffersize : {std::optional<std::size_t>(), {std::size_t{7}}}) {
    int expected = 0;
    for (int result : pool.map(twice, std::views::iota(0, 2'000), {.buffersize = buffersize}))
      ASSERT_EQ(result, 2 * expected++);
    EXPECT_EQ(expected, 2'000);
  }
}
