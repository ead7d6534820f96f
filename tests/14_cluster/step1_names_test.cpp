// Chapter 14, step 1: names that mean the same in each program.

#include "support.hpp"

#include <typeinfo>

using concurrent::FunctionTable;
using concurrent::RemoteFunction;

namespace {

concurrent::detail::Answer run_a(std::span<const char>) { return {}; }
concurrent::detail::Answer run_b(std::span<const char>) { return {}; }

}  // namespace

TEST(Step1_Names, WhatIsAddedIsFoundByItsName) {
  FunctionTable table;
  const auto a = table.add(typeid(int), "a", &run_a);
  const auto b = table.add(typeid(double), "b", &run_b);
  EXPECT_NE(a, b);
  ASSERT_NE(table.find(a), nullptr);
  ASSERT_NE(table.find(b), nullptr);
  EXPECT_EQ(table.find(a)->run, &run_a);
  EXPECT_EQ(table.find(b)->run, &run_b);
}

TEST(Step1_Names, WhatWasNotAddedIsNotFound) {
  FunctionTable table;
  const auto a = table.add(typeid(int), "a", &run_a);
  EXPECT_EQ(table.find(a + 1), nullptr);
}

TEST(Step1_Names, ANameMeansTheSameInEachTable) {
  FunctionTable here, there;
  there.add(typeid(double), "b", &run_b);
  EXPECT_EQ(here.add(typeid(int), "a", &run_a), there.add(typeid(int), "a", &run_a))
      << "it depends on the name alone: not on what else is in the table, nor on addresses";
  EXPECT_EQ(here.add(typeid(int), "b", &run_a), there.add(typeid(double), "b", &run_b))
      << "nor on what the name is given to";
}

TEST(Step1_Names, MessagesNameTheFunction) {
  FunctionTable table;
  EXPECT_EQ(table.name_of(table.add(typeid(std::logic_error), "a", &run_a)), "std::logic_error");
}

TEST(Step1_Names, TheSameFunctionMayBeAddedTwice) {
  FunctionTable table;
  const auto a = table.add(typeid(int), "a", &run_a);
  EXPECT_EQ(table.add(typeid(int), "a", &run_a), a);
  EXPECT_EQ(table.find(a)->run, &run_a);
}

TEST(Step1_Names, OfTwoFunctionsWithOneNameNeitherCanBeCalled) {
  FunctionTable table;
  const auto a = table.add(typeid(int), "a", &run_a);
  EXPECT_EQ(table.add(typeid(int), "a", &run_b), a);
  ASSERT_NE(table.find(a), nullptr) << "the name stays, with nothing to run: it is not free again";
  EXPECT_EQ(table.find(a)->run, nullptr) << "either might be the wrong one";
  table.add(typeid(int), "a", &run_b);
  EXPECT_EQ(table.find(a)->run, nullptr) << "not even if one of them comes again";
  table.add(typeid(int), "a", &run_a);
  EXPECT_EQ(table.find(a)->run, nullptr) << "and be it the first";
}

TEST(Step1_Names, ACallIsInTheTableBeforeMainBegins) {
  const auto lambda = [](int number) { return number + 1; };
  const auto id = RemoteFunction<decltype(lambda), int>::id;
  ASSERT_NE(FunctionTable::get().find(id), nullptr);
  EXPECT_NE(FunctionTable::get().find(id)->run, nullptr);
}

TEST(Step1_Names, TwoLambdasHaveTwoNames) {
  const auto a = [](int number) { return number + 1; };
  const auto b = [](int number) { return number + 2; };
  EXPECT_NE((RemoteFunction<decltype(a), int>::id), (RemoteFunction<decltype(b), int>::id));
}

TEST(Step1_Names, OtherArgumentsAreAnotherCall) {
  const auto lambda = [](auto number) { return number + 1; };
  EXPECT_NE((RemoteFunction<decltype(lambda), int>::id), (RemoteFunction<decltype(lambda), double>::id));
}
