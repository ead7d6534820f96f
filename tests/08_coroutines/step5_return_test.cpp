// Chapter 08, step 5: how co_return and exceptions become an outcome.

#include "support.hpp"

#include <memory>
#include <optional>

TEST(Step5_Return, CoReturnKeepsTheValue) {
  const auto body = [](int number) -> Eager<Traced> { co_return Traced(number); };
  const auto eager = body(9);
  EXPECT_FALSE(eager.outcome().empty());
  const Traced value = eager.outcome().take();
  EXPECT_EQ(value.number, 9);
  EXPECT_EQ(value.copies, 0);
}

TEST(Step5_Return, AVariableOfTheBodyIsMovedOut) {
  const auto body = []() -> Eager<std::unique_ptr<int>> {
    auto number = std::make_unique<int>(10);
    co_return number;
  };
  EXPECT_EQ(*body().outcome().take(), 10);
}

TEST(Step5_Return, WhatIsReturnedBecomesTheTypeOfTheResult) {
  const auto literal = []() -> Eager<std::string> { co_return "text"; };
  EXPECT_EQ(literal().outcome().take(), "text");
  const auto braces = []() -> Eager<std::pair<int, std::string>> { co_return {1, "one"}; };
  EXPECT_EQ(braces().outcome().take(), std::pair(1, std::string("one")));
  const auto none = []() -> Eager<std::optional<int>> { co_return std::nullopt; };
  EXPECT_FALSE(none().outcome().take().has_value());
}

TEST(Step5_Return, AReferenceOrNothingIsReturnedToo) {
  int number = 1;
  const auto reference = [&]() -> Eager<int&> { co_return number; };
  EXPECT_EQ(&reference().outcome().take(), &number);
  const auto nothing = []() -> Eager<void> { co_return; };
  EXPECT_FALSE(nothing().outcome().empty());
  EXPECT_EQ(error_of([&] { nothing().outcome().take(); }), "nothing");
}

TEST(Step5_Return, WhatTheBodyThrowsIsKept) {
  const auto body = []() -> Eager<int> {
    throw std::runtime_error("no result");
    co_return 1;
  };
  const auto eager = body();
  EXPECT_EQ(error_of([&] { eager.outcome().take(); }), "no result");
}

TEST(Step5_Return, WhatALocalThrowsBehindTheResultIsKept) {
  struct ThrowsAtTheEnd {
    ~ThrowsAtTheEnd() noexcept(false) { throw std::runtime_error("not closed"); }
  };
  const auto body = []() -> Eager<int> {
    const ThrowsAtTheEnd local;
    co_return 1;  // the value is there, and then the local is destroyed
  };
  const auto eager = body();
  EXPECT_EQ(error_of([&] { eager.outcome().take(); }), "not closed");
}

TEST(Step5_Return, WhatTheResultThrowsOnItsWayIsKept) {
  struct Stubborn {
    explicit Stubborn(int) {}
    Stubborn(const Stubborn&) { throw std::runtime_error("I stay"); }
  };
  const auto body = []() -> Eager<Stubborn> { co_return Stubborn(1); };
  const auto eager = body();
  EXPECT_EQ(error_of([&] { eager.outcome().take(); }), "I stay");
}
