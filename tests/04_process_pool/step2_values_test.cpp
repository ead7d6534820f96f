// Chapter 04, step 2: values as bytes.

#include "support.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <tuple>
#include <vector>

using concurrent::Sendable;

TEST(Step2_Values, ValuesComeBackAsTheyWent) {
  ASSERT_EQ((from_bytes<int, int>(to_bytes(1, 2))), std::tuple(1, 2)) << "in their order";
  const std::map<std::string, std::vector<int>> table{{"a", {1, 2}}, {"b", {}}};
  const auto [number, text, values, point] =
      from_bytes<int, std::string, std::map<std::string, std::vector<int>>, Point>(
          to_bytes(7, std::string("a\0b", 3), table, Point{3, 4}));
  EXPECT_EQ(number, 7);
  EXPECT_EQ(text, std::string("a\0b", 3));
  EXPECT_EQ(values, table);
  EXPECT_EQ(point, (Point{3, 4}));
}

TEST(Step2_Values, WhatCanOnlyBeMovedCrossesToo) {
  const auto [number] = from_bytes<std::unique_ptr<int>>(to_bytes(std::make_unique<int>(7)));
  EXPECT_EQ(*number, 7);
}

TEST(Step2_Values, NoValuesAreNoBytes) {
  EXPECT_EQ(to_bytes(), "");
  EXPECT_EQ(from_bytes<>(Bytes()), std::tuple<>());
}

TEST(Step2_Values, TooFewBytesAreAnError) {
  const Bytes bytes = to_bytes(1, 2);
  EXPECT_THROW((from_bytes<int, int>(std::span(bytes).first(6))), cereal::Exception);
}

TEST(Step2_Values, WhatTheirSerialisationThrowsComesOut) {
  EXPECT_THROW(to_bytes(Shy()), std::runtime_error);
  EXPECT_THROW(from_bytes<Illegible>(to_bytes(Illegible())), std::runtime_error);
}

TEST(Step2_Values, PointersAndReferencesCannotCross) {
  EXPECT_EQ(from_bytes<int>(to_bytes(7)), std::tuple(7));
  static_assert(Sendable<int> && Sendable<Point> && Sendable<std::vector<std::string>>);
  static_assert(!Sendable<int*> && !Sendable<int&> && !Sendable<std::reference_wrapper<int>>);
  static_assert(!Sendable<std::mutex> && !Sendable<std::function<void()>> && !Sendable<void>);
  static_assert(std::is_same_v<concurrent::Crossing<const char(&)[4]>, std::string>);
}
