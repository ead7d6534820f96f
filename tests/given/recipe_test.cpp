#include "recipe.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "testing.hpp"

using concurrent::parse_duration;
using concurrent::RecipeOptions;
using namespace std::chrono_literals;

namespace {

struct Options {
  std::int64_t steps = 7;
  std::chrono::nanoseconds unit = 1s;
  bool blocking = false;
  std::string bits;
  std::string way = "sea";
  std::int64_t first = 1;
  std::int64_t second = 2;

  RecipeOptions all() {
    return RecipeOptions("Does something.", {{"--steps", "how many", steps, 1, 100},
                                             {"--unit", "how long", unit},
                                             {"--blocking", "or not", blocking},
                                             {"--bits", "which", bits, "01"},
                                             {"--way", "by", way, {"land", "sea", "air"}},
                                             {"N1", "one", first, 0, 100},
                                             {"N2", "another", second, 0, 100}});
  }
  std::string parse(const std::vector<std::string_view>& arguments) { return all().parse(arguments); }
};

}  // namespace

TEST(Recipe, OptionsAreSetWithASpaceOrAnEqualsSign) {
  Options options;
  EXPECT_EQ(options.parse({"--steps", "5", "--unit=10ms", "--blocking", "--bits=0110"}), "");
  EXPECT_EQ(options.steps, 5);
  EXPECT_EQ(options.unit, 10ms);
  EXPECT_TRUE(options.blocking);
  EXPECT_EQ(options.bits, "0110");
  EXPECT_EQ(options.parse({"--way", "air"}), "");
  EXPECT_EQ(options.way, "air");
}

TEST(Recipe, ValuesThatStandAloneComeInOrderAmongTheOthers) {
  Options options;
  EXPECT_EQ(options.parse({"50"}), "");
  EXPECT_EQ(options.first, 50);
  EXPECT_EQ(options.second, 2);
  EXPECT_EQ(options.parse({"3", "--steps", "5", "4"}), "");
  EXPECT_EQ(options.first, 3);
  EXPECT_EQ(options.second, 4);
  EXPECT_EQ(options.steps, 5);
}

TEST(Recipe, WhatIsNotSaidKeepsItsDefault) {
  Options options;
  EXPECT_EQ(options.parse({}), "");
  EXPECT_EQ(options.steps, 7);
  EXPECT_EQ(options.unit, 1s);
  EXPECT_FALSE(options.blocking);
  EXPECT_EQ(options.bits, "");
  EXPECT_EQ(options.way, "sea");
  EXPECT_EQ(options.first, 1);
  EXPECT_EQ(options.second, 2);
}

TEST(Recipe, WhatIsWrongIsNamed) {
  Options options;
  EXPECT_EQ(options.parse({"--step", "5"}), "there is no option --step");
  EXPECT_EQ(options.parse({"--steps"}), "--steps needs a value");
  EXPECT_EQ(options.parse({"--steps", "0"}), "--steps must be a whole number from 1 to 100, not 0");
  EXPECT_EQ(options.parse({"--unit", "10"}), "--unit must be a time as 10ms or 1s, above 0, not 10");
  EXPECT_EQ(options.parse({"--unit=0s"}), "--unit must be a time as 10ms or 1s, above 0, not 0s");
  EXPECT_EQ(options.parse({"--blocking=yes"}), "--blocking takes no value");
  EXPECT_EQ(options.parse({"--bits", "0120"}), "--bits must be made of the characters 01, not 0120");
  EXPECT_EQ(options.parse({"--bits="}), "--bits must be made of the characters 01, not ");
  EXPECT_EQ(options.parse({"--way", "rail"}), "--way must be one of land, sea or air, not rail");
  EXPECT_EQ(options.parse({"--way="}), "--way must be one of land, sea or air, not ");
  EXPECT_EQ(options.parse({"101"}), "N1 must be a whole number from 0 to 100, not 101");
  EXPECT_EQ(options.parse({"1", "-1"}), "N2 must be a whole number from 0 to 100, not -1");
  EXPECT_EQ(options.parse({"1", "2", "3"}), "there is no option 3");
  EXPECT_EQ(options.parse({"--N1", "3"}), "there is no option --N1");
}

TEST(Recipe, HelpNamesEachOptionAndItsValue) {
  Options options;
  EXPECT_EQ(options.all().help(),
            "Does something.\n\n"
            "  --steps N     how many\n"
            "  --unit TIME   how long\n"
            "  --blocking    or not\n"
            "  --bits TEXT   which\n"
            "  --way TEXT    by\n"
            "  N1            one\n"
            "  N2            another\n"
            "  --help        this text\n");
}

TEST(Recipe, TimesAreReadAsCppWritesThem) {
  EXPECT_EQ(parse_duration("15ns"), 15ns);
  EXPECT_EQ(parse_duration("15us"), 15us);
  EXPECT_EQ(parse_duration("15ms"), 15ms);
  EXPECT_EQ(parse_duration("15s"), 15s);
  EXPECT_EQ(parse_duration("2min"), 2min);
  for (const char* text : {"", "s", "10", "10 ms", "-1s", "1.5s", "10sec", "99999999999s"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}
