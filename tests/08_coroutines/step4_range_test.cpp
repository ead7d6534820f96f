// Chapter 08, step 4: the range.

#include "support.hpp"
#include "to_vector.hpp"

#include <algorithm>
#include <concepts>
#include <memory>
#include <ranges>
#include <type_traits>

using course::to_vector;

namespace {

Generator<int> naturals() {
  for (int i = 0;; ++i) co_yield i;
}

}  // namespace

TEST(Step4_Range, AGeneratorIsAnInputRangeAndAView) {
  static_assert(std::ranges::input_range<Generator<int>>);
  static_assert(std::ranges::view<Generator<int>>);
  static_assert(std::ranges::input_range<Generator<std::string&>>);
  static_assert(std::ranges::input_range<Generator<const std::string&>>);
  static_assert(std::ranges::input_range<Generator<std::unique_ptr<int>>>);
  static_assert(!std::ranges::forward_range<Generator<int>>);
  EXPECT_EQ(to_vector(count_to(4)), (std::vector{1, 2, 3, 4}));
}

TEST(Step4_Range, NothingRunsBeforeTheLoopAsks) {
  Log log;
  const auto body = [&]() -> Generator<int> {
    for (int i = 1; i <= 2; ++i) {
      log.push_back("makes " + std::to_string(i));
      co_yield i;
    }
    log.push_back("ends");
  };
  Generator<int> generator = body();
  EXPECT_EQ(log, Log());
  for (const int value : generator) log.push_back("sees " + std::to_string(value));
  EXPECT_EQ(log, (Log{"makes 1", "sees 1", "makes 2", "sees 2", "ends"}));
}

TEST(Step4_Range, TheCompilersCountdownIsYours) {
  const auto body = [](int from) -> Generator<int> {
    while (from > 0) {
      co_yield from;
      --from;
    }
  };
  for (const int from : {3, 1, 0, -1}) {
    Countdown countdown(from);
    std::vector<int> yours;
    for (countdown.resume(); !countdown.done(); countdown.resume()) yours.push_back(countdown.value());
    EXPECT_EQ(to_vector(body(from)), yours);
  }
}

TEST(Step4_Range, ItMayBeInfinite) {
  long sum = 0;
  for (const int number : naturals()) {
    if (number > 10'000) break;
    sum += number;
  }
  EXPECT_EQ(sum, 50'005'000);
}

TEST(Step4_Range, ItGoesThroughViews) {
  const auto odd = [](int number) { return number % 2 == 1; };
  const auto square = [](int number) { return number * number; };
  EXPECT_EQ(
      to_vector(naturals() | std::views::filter(odd) | std::views::transform(square) | std::views::take(4)),
      (std::vector{1, 9, 25, 49}));
  EXPECT_EQ(to_vector(count_to(5) | std::views::drop(3)), (std::vector{4, 5}));
}

TEST(Step4_Range, ItGoesThroughAlgorithms) {
  Generator<int> numbers = naturals();
  EXPECT_EQ(*std::ranges::find(numbers, 12), 12);
  EXPECT_EQ(std::ranges::count_if(count_to(10), [](int number) { return number > 3; }), 7);
}

TEST(Step4_Range, AGeneratorOfNothingIsEmpty) {
  const auto body = []() -> Generator<int> { co_return; };
  Generator<int> generator = body();
  EXPECT_TRUE(generator.begin() == generator.end());
  EXPECT_EQ(to_vector(generator), std::vector<int>());
  EXPECT_EQ(to_vector(Generator<int>()), std::vector<int>()) << "made by the default constructor";
}

TEST(Step4_Range, ItIsMovedAndNotCopied) {
  static_assert(!std::copyable<Generator<int>>);
  static_assert(std::is_nothrow_move_constructible_v<Generator<int>>);
  Generator<int> generator = count_to(3);
  Generator<int> other = std::move(generator);
  EXPECT_EQ(to_vector(generator), std::vector<int>()) << "nothing is left in it";
  EXPECT_EQ(to_vector(other), (std::vector{1, 2, 3}));
}

TEST(Step4_Range, ALoopThatStopsInTheMiddleIsGoneOnWithByTheNext) {
  Generator<int> generator = count_to(5);
  for (const int number : generator)
    if (number == 3) break;
  EXPECT_EQ(*generator.begin(), 3) << "the value where the loop has stopped";
  Generator<int> moved = std::move(generator);
  EXPECT_EQ(to_vector(moved), (std::vector{3, 4, 5}));
}

TEST(Step4_Range, AfterTheEndThereIsNothingMore) {
  int ends = 0;
  const auto body = [&]() -> Generator<int> {
    co_yield 1;
    ++ends;
  };
  Generator<int> generator = body();
  EXPECT_EQ(to_vector(generator), std::vector{1});
  EXPECT_EQ(to_vector(generator), std::vector<int>());
  EXPECT_TRUE(generator.begin() == generator.end());
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(generator.handle().promise().yielded(), nullptr) << "the last value is forgotten";
}

TEST(Step4_Range, IteratorsKnowTheEnd) {
  Generator<int> generator = count_to(2);
  auto at = generator.begin();
  EXPECT_TRUE(at != generator.end());
  EXPECT_EQ(*at, 1);
  auto& same = ++at;
  EXPECT_EQ(&same, &at);
  EXPECT_FALSE(at == generator.end()) << "it is at the last value, which is not the end";
  EXPECT_EQ(*at, 2);
  EXPECT_EQ(*at, 2) << "to read it again changes nothing";
  at++;
  EXPECT_TRUE(at == generator.end());
}

TEST(Step4_Range, OfReferencesItYieldsTheThingsThemselves) {
  std::vector<int> numbers{1, 2, 3};
  const auto body = [&]() -> Generator<int&> {
    for (int& number : numbers) co_yield number;
  };
  for (int& number : body()) number *= 10;
  EXPECT_EQ(numbers, (std::vector{10, 20, 30}));
}

TEST(Step4_Range, OfConstReferencesItYieldsLvaluesAndRvalues) {
  const Traced lvalue(1);
  const auto body = [&]() -> Generator<const Traced&> {
    co_yield lvalue;
    co_yield Traced(2);
  };
  Generator<const Traced&> generator = body();
  auto at = generator.begin();
  static_assert(std::same_as<decltype(*at), const Traced&>);
  EXPECT_EQ(&*at, &lvalue);
  ++at;
  EXPECT_EQ((*at).number, 2);
  EXPECT_EQ((*at).copies + (*at).moves, 0);
}

TEST(Step4_Range, ValuesMayBeMovedOut) {
  const auto body = []() -> Generator<Traced> {
    co_yield Traced(1);
    Traced local(2);
    co_yield std::move(local);
    EXPECT_EQ(local.number, Traced::moved_from) << "the reader has moved from it";
  };
  Generator<Traced> generator = body();
  static_assert(std::same_as<decltype(*generator.begin()), Traced&&>);
  int number = 0;
  for (Traced value : generator) {
    EXPECT_EQ(value.number, ++number);
    EXPECT_EQ(value.copies, 0);
    EXPECT_EQ(value.moves, 1) << "the reader's own";
  }
  EXPECT_EQ(number, 2);
}

TEST(Step4_Range, ValuesMayBeOnlyMovable) {
  const auto body = []() -> Generator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    std::unique_ptr<int> two = std::make_unique<int>(2);
    co_yield std::move(two);
  };
  std::vector<std::unique_ptr<int>> numbers = to_vector(body());
  ASSERT_EQ(numbers.size(), 2u);
  EXPECT_EQ(*numbers[0] + *numbers[1], 3);
}

TEST(Step4_Range, FromAVariableOfTheBodyACopyIsYielded) {
  const auto body = []() -> Generator<Traced> {
    Traced number(1);
    const Traced constant(2);
    co_yield number;
    EXPECT_EQ(number.number, 1) << "the reader has not moved from it";
    co_yield constant;
    number.number = 3;
    co_yield number;
  };
  std::vector<Traced> values = to_vector(body());
  ASSERT_EQ(values.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(values[static_cast<std::size_t>(i)].number, i + 1);
    EXPECT_EQ(values[static_cast<std::size_t>(i)].copies, 1);
  }
}

TEST(Step4_Range, ThatCopyLivesUntilTheBodyGoesOn) {
  Log log;
  const auto token = std::make_shared<int>(4);
  const auto body = [&]() -> Generator<std::shared_ptr<int>> {
    co_yield token;
    log.push_back(std::to_string(token.use_count()) + " owners");
  };
  Generator<std::shared_ptr<int>> generator = body();
  auto at = generator.begin();
  EXPECT_EQ(token.use_count(), 2);
  ++at;
  EXPECT_EQ(log, Log{"1 owners"});
}

TEST(Step4_Range, WhatIsYieldedBecomesTheTypeOfTheGenerator) {
  const auto body = []() -> Generator<std::string> {
    co_yield "text";
    co_yield std::string(2, 'x');
  };
  EXPECT_EQ(to_vector(body()), (std::vector<std::string>{"text", "xx"}));
}

TEST(Step4_Range, AnExceptionBeforeTheFirstValueComesOutOfBegin) {
  const auto body = [](bool fails) -> Generator<int> {
    if (fails) throw std::runtime_error("no first");
    co_yield 1;
  };
  Generator<int> generator = body(true);
  EXPECT_EQ(error_of([&] { generator.begin(); }), "no first");
  EXPECT_EQ(error_of([&] { EXPECT_TRUE(generator.begin() == generator.end()); }), "nothing")
      << "it is thrown once, and ends the range";
}

TEST(Step4_Range, AnExceptionLaterComesOutOfTheIncrement) {
  const auto body = []() -> Generator<int> {
    co_yield 1;
    co_yield 2;
    throw 3;
  };
  Generator<int> generator = body();
  auto at = generator.begin();
  ++at;
  EXPECT_EQ(*at, 2);
  EXPECT_EQ(error_of([&] { ++at; }), "3");
  EXPECT_TRUE(at == generator.end());
  EXPECT_EQ(generator.handle().promise().yielded(), nullptr) << "no value outlives its stop";
  EXPECT_EQ(to_vector(generator), std::vector<int>());
}

TEST(Step4_Range, AnExceptionComesOutOfTheLoop) {
  Log log;
  const auto body = [&]() -> Generator<int> {
    const LogsEnd local(log, "local");
    co_yield 1;
    throw std::runtime_error("no second");
  };
  std::vector<int> seen;
  EXPECT_EQ(error_of([&] {
              for (const int number : body()) seen.push_back(number);
            }),
            "no second");
  EXPECT_EQ(seen, std::vector{1});
  EXPECT_EQ(log, Log{"~local"});
}

TEST(Step4_Range, DestroyedEarlyItDestroysTheLocalsOfTheBody) {
  Log log;
  const auto body = [&]() -> Generator<int> {
    const LogsEnd outer(log, "outer");
    for (int i = 0;; ++i) {
      const LogsEnd inner(log, "inner " + std::to_string(i));
      co_yield i;
    }
  };
  {
    Generator<int> generator = body();
    auto at = generator.begin();
    ++at;
    EXPECT_EQ(log, Log{"~inner 0"});
  }
  EXPECT_EQ(log, (Log{"~inner 0", "~inner 1", "~outer"}));
}

TEST(Step4_Range, NeverStartedItDestroysItsParameters) {
  std::atomic<int> alive = 0;
  bool runs = false;
  const auto body = [&](Counted) -> Generator<int> {
    runs = true;
    co_yield 1;
  };
  {
    const Generator<int> generator = body(Counted(alive));
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(runs);
}

TEST(Step4_Range, EachFrameIsDestroyedOnce) {
  std::atomic<int> alive = 0;
  const auto body = [](Counted) -> Generator<int> { co_yield 1; };
  {
    Generator<int> a = body(Counted(alive));
    Generator<int> b = body(Counted(alive));
    a.begin();
    EXPECT_EQ(alive, 2);
    a = std::move(b);
    EXPECT_EQ(alive, 1) << "what was there before is destroyed";
    Generator<int>& same = a;
    a = std::move(same);
    EXPECT_EQ(to_vector(a), std::vector{1}) << "moved to itself it is what it was";
    b = std::move(a);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Step4_Range, AGeneratorMayReadAnother) {
  struct Tree {
    int number;
    std::vector<Tree> branches;

    [[nodiscard]] Generator<const int&> numbers() const {
      co_yield number;
      for (const Tree& branch : branches)
        for (const int& below : branch.numbers()) co_yield below;
    }
  };
  const Tree tree{1, {Tree{2, {Tree{3, {}}}}, Tree{4, {}}}};
  EXPECT_EQ(to_vector(tree.numbers()), (std::vector{1, 2, 3, 4}));
}

TEST(Step4_Range, TwoMayBeReadInTurn) {
  Generator<int> a = count_to(3);
  Generator<int> b = naturals();
  std::vector<int> sums;
  auto other = b.begin();
  for (const int number : a) {
    sums.push_back(number + 10 * *other);
    ++other;
  }
  EXPECT_EQ(sums, (std::vector{1, 12, 23}));
}

TEST(Step4_Range, TheBodyRunsOnTheThreadThatReads) {
  const auto body = []() -> Generator<std::thread::id> {
    for (;;) co_yield std::this_thread::get_id();
  };
  Generator<std::thread::id> generator = body();
  EXPECT_EQ(*generator.begin(), std::this_thread::get_id());
  std::jthread([&] {
    auto at = generator.begin();
    ++at;
    EXPECT_EQ(*at, std::this_thread::get_id());
  });
}
