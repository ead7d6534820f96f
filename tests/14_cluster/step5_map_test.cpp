// Chapter 14, step 5: many calls.

#include "support.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <ranges>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "moved_clock.hpp"
#include "sent.hpp"
#include "to_vector.hpp"

using namespace std::chrono_literals;
using course::to_vector;

namespace {

int minus(int a, int b) { return a - b; }

/// Counts how often it is copied.
struct Copied {
  static inline int times = 0;

  Copied() = default;
  Copied(const Copied&) { ++times; }
  Copied(Copied&&) noexcept {}
  Copied& operator=(const Copied&) { return ++times, *this; }
  Copied& operator=(Copied&&) noexcept { return *this; }

  template <class Archive>
  void serialize(Archive&) {}
};

/// How many calls of note() this rank has made.
int noted = 0;
void note(const std::string&) { ++noted; }

/// A call that waits at a pipe, if it is given one.
int wait_or_not(const std::string& fifo) {
  if (!fifo.empty()) wait_at(fifo);
  return fifo.empty() ? 0 : 1;
}

}  // namespace

TEST(Step5_Map, ResultsComeInTheOrderOfTheItems) {
  if (!in_ranks(3)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(to_vector(pool.map(twice, std::views::iota(0, 5))), (std::vector{0, 2, 4, 6, 8}));
  EXPECT_EQ(to_vector(pool.map([](const std::string& text) { return text + "!"; },
                               std::vector<std::string>{"a", "b"})),
            (std::vector<std::string>{"a!", "b!"}));
}

TEST(Step5_Map, ChunksGiveTheSame) {
  if (!in_ranks(3)) return;
  MpiPoolExecutor pool;
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(2 * i);
  for (const std::size_t chunksize : {1, 7, 100, 1'000})
    EXPECT_EQ(to_vector(pool.map(twice, std::views::iota(0, 100), {.chunksize = chunksize})), expected);
}

TEST(Step5_Map, AChunkCrossesAsOneCall) {
  if (!in_ranks(4)) return;
  MpiPoolExecutor pool;
  const auto ranks =
      to_vector(pool.map([](int) { return rank(); }, std::views::iota(0, 30), {.chunksize = 10}));
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(ranks[i], ranks[i - i % 10]) << i;
}

TEST(Step5_Map, AChunksizeOf0IsRefused) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_THROW(pool.map(twice, std::views::iota(0, 3), {.chunksize = 0}), std::invalid_argument);
  EXPECT_THROW(pool.map(twice, std::views::iota(0, 3), {.chunksize = 0, .unordered = true}),
               std::invalid_argument);
}

TEST(Step5_Map, ALibrarysFunctionIsRefusedHereToo) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const auto of_a_library = function_of_a_library();
  ASSERT_NE(of_a_library, nullptr);
  EXPECT_THROW(pool.map(of_a_library, std::vector{1}), std::invalid_argument);
  EXPECT_EQ(pool.map([](int letter) { return std::toupper(letter); }, std::vector<int>{'a'}).next(), 'A');
}

TEST(Step5_Map, AMapOfAPlainFunctionIsForThisProgramAlone) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const std::vector<std::pair<int, int>> pairs{{5, 3}};
  for (const bool unordered : {false, true}) {
    EXPECT_EQ(to_vector(pool.map(twice, std::vector{21}, {.unordered = unordered})), std::vector{42});
    EXPECT_EQ(Sent::to_whom(), "to this program") << "the function's place crosses in the chunk";
    EXPECT_EQ(to_vector(pool.map([](int item) { return item; }, std::vector{21}, {.unordered = unordered})),
              std::vector{21});
    EXPECT_EQ(Sent::to_whom(), "to any program") << "a lambda has no place, and any program may have it";
    EXPECT_EQ(to_vector(pool.starmap(minus, pairs, {.unordered = unordered})), std::vector{2});
    EXPECT_EQ(Sent::to_whom(), "to this program") << "in a chunk of tuples, too";
  }
}

TEST(Step5_Map, UnorderedGivesWhatIsThere) {
  if (!in_ranks(3)) return;
  MpiPoolExecutor pool;
  const Fifo fifo;
  auto results =
      pool.map(wait_or_not, std::vector<std::string>{fifo.name(), "", "", ""}, {.unordered = true});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(results.next(), 0) << "the first item's call goes on, and is not waited for";
  fifo.let_go();
  EXPECT_EQ(results.next(), 1);
  EXPECT_EQ(results.next(), std::nullopt);
}

TEST(Step5_Map, UnorderedGivesEachResultOnce) {
  if (!in_ranks(4)) return;
  MpiPoolExecutor pool;
  auto results = to_vector(pool.map(twice, std::views::iota(0, 100), {.chunksize = 7, .unordered = true}));
  std::ranges::sort(results);
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(2 * i);
  EXPECT_EQ(results, expected);
}

TEST(Step5_Map, UnorderedMovesTheResultsOut) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  auto results = pool.map([](int) { return Copied(); }, std::views::iota(0, 3), {.unordered = true});
  while (results.next()) continue;
  EXPECT_EQ(Copied::times, 0) << "copies, of three results that nobody reads twice";
}

TEST(Step5_Map, AnExceptionComesInItsPlace) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  for (const bool unordered : {false, true}) {
    auto results = pool.map(
        [](int item) {
          if (item == 2) throw std::out_of_range("two");
          return item;
        },
        std::views::iota(0, 4), {.unordered = unordered});
    EXPECT_EQ(results.next(), 0);
    EXPECT_EQ(results.next(), 1);
    EXPECT_THROW(results.next(), RemoteError);
    EXPECT_EQ(results.next(), std::nullopt) << "it ends the range";
  }
}

TEST(Step5_Map, TheTimeoutIsForAll) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  for (const bool unordered : {false, true}) {
    const Fifo fifo;
    auto results = pool.map(wait_or_not, std::vector<std::string>{fifo.name()},
                            {.timeout = 10ms, .unordered = unordered});
    EXPECT_THROW(results.next(), concurrent::TimeoutError);
    // The fifo's end lets the call go, if it has begun at all: it may have been cancelled before.
  }
}

TEST(Step5_Map, TheTimeIsCountedFromTheCallOfMap) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  for (const bool unordered : {false, true}) {
    const Fifo fifo;
    const std::vector<std::string> items{fifo.name()};
    auto slow = items | std::views::transform([](const std::string& item) {
                  course::let_time_pass(2h);
                  return item;
                });
    auto results = pool.map(wait_or_not, slow, {.timeout = 1h, .unordered = unordered});
    EXPECT_THROW(results.next(), concurrent::TimeoutError) << "to come by the items took longer";
  }
}

TEST(Step5_Map, TheRestIsCancelledWhenNobodyReadsOn) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  for (const bool unordered : {false, true}) {
    const Fifo fifo;
    {
      const std::vector<std::string> items{"", fifo.name(), fifo.name(), fifo.name()};
      auto results = pool.map(wait_or_not, items, {.unordered = unordered});
      EXPECT_EQ(results.next(), 0);
    }
    fifo.let_go();  // one call waits; the others never begin
    EXPECT_EQ(pool.submit(twice, 21).result(), 42);
  }
}

TEST(Step5_Map, WhenTheItemsEndWithAnExceptionTheRestIsCancelled) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  for (const bool unordered : {false, true}) {
    const Fifo fifo;
    ASSERT_EQ(pool.submit(twice, 1).result(), 2);  // the worker is there
    const auto with_the_worker = pool.submit(wait_at, fifo.name());
    auto items = std::views::iota(0, 3) | std::views::transform([](int item) {
                   if (item == 2) throw std::out_of_range("no third item");
                   return std::to_string(item);
                 });
    EXPECT_THROW(pool.map(note, items, {.unordered = unordered}), std::out_of_range);
    fifo.let_go();
    EXPECT_EQ(with_the_worker.result(), "go");
    EXPECT_EQ(pool.submit([] { return noted; }).result(), 0)
        << "calls of the first two items ran, though map() has thrown, and nobody will have their results";
  }
}

TEST(Step5_Map, AMapThatNobodyReadsRuns) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  static_cast<void>(pool.submit([] { return 0; }).result());
  for (const bool unordered : {false, true}) {
    static_cast<void>(pool.map(note, std::vector<std::string>(3), {.unordered = unordered}));
  }
  EXPECT_EQ(pool.submit([] { return noted; }).result(), 6)
      << "of two maps of three items each, one of them unordered: calls that ran, though nobody read a "
         "result";
}

TEST(Step5_Map, StarmapCallsWithThePartsOfATuple) {
  if (!in_ranks(3)) return;
  MpiPoolExecutor pool;
  const std::vector<std::tuple<int, int>> items{{5, 3}, {3, 5}, {9, 0}};
  EXPECT_EQ(to_vector(pool.starmap(minus, items)), (std::vector{2, -2, 9}));
  EXPECT_EQ(to_vector(pool.starmap([](int a, const std::string& b) { return b + std::to_string(a); },
                                   std::vector{std::pair(1, std::string("one "))}, {.chunksize = 5})),
            (std::vector<std::string>{"one 1"}));
}

TEST(Step5_Map, ThePartsOfATupleAreMoved) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const std::vector<std::pair<Copied, int>> items(3);
  const auto copies = [](Copied, int) { return Copied::times; };
  EXPECT_EQ(to_vector(pool.starmap(copies, items, {.chunksize = 3})), (std::vector{0, 0, 0}));
  std::vector<bool> none;
  for (const bool value : pool.starmap([](Copied, int) -> bool { return Copied::times > 0; }, items))
    none.push_back(value);
  EXPECT_EQ(none, (std::vector{false, false, false}));
}

TEST(Step5_Map, AChunkOfTuplesCrossesAsOneCall) {
  if (!in_ranks(4)) return;
  MpiPoolExecutor pool;
  const std::vector<std::pair<int, int>> items(30);
  const auto ranks = to_vector(pool.starmap([](int, int) { return rank(); }, items, {.chunksize = 10}));
  for (std::size_t i = 0; i < 30; ++i) EXPECT_EQ(ranks[i], ranks[i - i % 10]) << i;
}

TEST(Step5_Map, FunctionsWithoutAResultGiveEmptyOnes) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(to_vector(pool.map([](int) {}, std::views::iota(0, 3))).size(), 3u);
  const std::vector<std::pair<int, int>> pairs(3);
  EXPECT_EQ(to_vector(pool.starmap([](int, int) {}, pairs, {.chunksize = 3, .unordered = true})).size(), 3u);
}

TEST(Step5_Map, NoItemsGiveNoResults) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_TRUE(to_vector(pool.map(twice, std::vector<int>())).empty());
  EXPECT_TRUE(to_vector(pool.map(twice, std::vector<int>(), {.unordered = true})).empty());
}
