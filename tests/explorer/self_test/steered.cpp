// explore::at(): a scenario says which thread goes on where.

#include <array>
#include <atomic>
#include <thread>

#include "support.hpp"

using self_test::Failure;
using self_test::finds;
using self_test::finds_nothing;

namespace {

constexpr int rounds = 8;

/// Two threads that must take turns sixteen times for the mistake to show, each interrupting the other.
template <class At>
void play(At at) {
  std::atomic<int> ball = 0;
  const auto player = [&](int mine) {
    for (int round = 0; round < rounds; ++round) {
      at(2 * round + mine + 1);
      int expected = 2 * round + mine;
      if (!ball.compare_exchange_strong(expected, expected + 1)) return;
    }
  };
  std::jthread other([&] { player(1); });
  player(0);
  other.join();
  EXPECT_NE(ball, 2 * rounds);
}

}  // namespace

TEST(Steered, LuckDoesNotFindIt) {
  EXPECT_TRUE(explore::survives([] { play([](int) {}); }));
}

TEST(Steered, ThePlacesAreTakenInOrder) {
  EXPECT_TRUE(finds(Failure::check_failed, [] { play(explore::at); }));
}

// What comes first by steering alone has not happened before: it is a race.
TEST(Steered, OrdersNothing) {
  const auto program = [] {
    int value = 0;
    std::jthread other([&] {
      explore::at(2);
      value = 2;
    });
    value = 1;
    explore::at(1);
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// Whoever steers into a wall is not told of a deadlock that the program does not have.
TEST(Steered, WhereNobodyElseGoesOnItsThreadDoes) {
  const auto program = [] {
    std::atomic<int> came = 0;
    std::jthread other([&] {
      explore::at(7);
      ++came;
    });
    other.join();
    explore::at(3);
    ++came;
    EXPECT_EQ(came, 2);
  };
  EXPECT_TRUE(finds_nothing(program, 500));
}

TEST(Steered, APlaceThatIsPassedHoldsNobody) {
  const auto program = [] {
    for (int i = 0; i < 3; ++i) explore::at(1);
    explore::at(2);
    explore::at(1);
  };
  EXPECT_TRUE(finds_nothing(program, 100));
}
