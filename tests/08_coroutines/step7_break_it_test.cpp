// Chapter 08, step 7: what goes wrong with resume().

#include "pitfall_nested_resume.hpp"
#include "support.hpp"

#include <algorithm>

using asyncio::NestedResume;

TEST(Step7_BreakIt, NestedResumeGivesTheRightAnswer) {
  const auto level = [](auto& self, int n) -> Coro<int> {
    if (n == 0) co_return 0;
    co_return 1 + co_await NestedResume(self(self, n - 1));
  };
  EXPECT_EQ(run(level(level, 10)), 10);
  const auto in_turn = []() -> Coro<int> {
    int sum = 0;
    for (int i = 1; i <= 10; ++i) sum += co_await NestedResume(number(i));
    co_return sum;
  };
  EXPECT_EQ(run(in_turn()), 55);
}

TEST(Step7_BreakIt, ExceptionsComeThroughIt) {
  const auto outer = []() -> Coro<int> { co_return co_await NestedResume(refusing("no")); };
  EXPECT_EQ(error_of([&] { run(outer()); }), "no");
}

TEST(Step7_BreakIt, EachAwaitInALoopTakesStackAndKeepsIt) {
  std::vector<std::uintptr_t> ends;
  const auto loop = [&]() -> Coro<int> {
    for (int i = 0; i < 100; ++i) {
      ends.push_back(stack_end());
      co_await NestedResume(number(i));
    }
    co_return 0;
  };
  run(loop());
  const std::vector<std::ptrdiff_t> taken = steps(ends);
  ASSERT_EQ(taken.size(), 99u);
  EXPECT_GE(std::ranges::min(taken), 16) << "bytes of stack, at each await";
}

TEST(Step7_BreakIt, EachLevelTakesStack) {
  std::vector<std::uintptr_t> ends;
  const auto level = [&](auto& self, int n) -> Coro<int> {
    ends.push_back(stack_end());
    if (n == 0) co_return 0;
    co_return 1 + co_await NestedResume(self(self, n - 1));
  };
  EXPECT_EQ(run(level(level, 99)), 99);
  const std::vector<std::ptrdiff_t> taken = steps(ends);
  ASSERT_EQ(taken.size(), 99u);
  EXPECT_GE(std::ranges::min(taken), 16) << "bytes of stack, for each level";
}

TEST(Step7_BreakIt, WhereYourAwaitTakesNone) {
  std::vector<std::uintptr_t> nested_ends;
  std::vector<std::uintptr_t> ends;
  const auto loop = [&]() -> Coro<int> {
    for (int i = 0; i < 100; ++i) {
      ends.push_back(stack_end());
      co_await number(i);
    }
    for (int i = 0; i < 100; ++i) {
      nested_ends.push_back(stack_end());
      co_await NestedResume(number(i));
    }
    co_return 0;
  };
  run(loop());
  const auto used = [](const std::vector<std::uintptr_t>& all) { return all.front() - all.back(); };
  if (course::constant_stack && used(ends) != 0) {
    FAIL() << used(ends) / (ends.size() - 1)
           << " bytes of stack are taken for each await, and 0 are expected";
  }
  EXPECT_GT(used(nested_ends), used(ends)) << "NestedResume takes more";
  EXPECT_EQ(used(ends) == 0, course::constant_stack);
}
