// The queue for one thread that the chapters share: what its blocks of memory must not change.

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>

#include "ring.hpp"
#include "testing.hpp"

namespace concurrent {
namespace {

using Item = std::unique_ptr<int>;

/// An item whose move throws when it is told to.
struct Fragile {
  static inline bool throws = false;
  explicit Fragile(int number) : number(number) {}
  Fragile(Fragile&& other) : number(other.number) {
    if (throws) throw std::runtime_error("no move");
  }
  Fragile& operator=(Fragile&&) = default;
  int number;
  char room[252] = {};
};

TEST(Ring, AMoveThatThrowsLeavesItAsItWasWhereverInABlockThatIs) {
  for (int before = 0; before < 40; ++before) {
    Ring<Fragile> ring;
    int in = 0, out = 0;
    const auto push = [&] { ring.push_back(Fragile(in++)); };
    for (int i = 0; i < before; ++i) push();
    Fragile item(-1);
    Fragile::throws = true;
    EXPECT_THROW(ring.push_back(std::move(item)), std::runtime_error);
    Fragile::throws = false;
    EXPECT_EQ(ring.size(), static_cast<std::size_t>(before));
    for (int i = 0; i < before; ++i) EXPECT_EQ(ring.take_front().number, out++);
    EXPECT_TRUE(ring.empty());
    for (int i = 0; i < 40; ++i) push();
    for (int i = 0; i < 40; ++i) EXPECT_EQ(ring.take_front().number, out++);
  }
}

TEST(Ring, ItemsComeOutInTheOrderInWhichTheyWentInHoweverPushesAndPopsAlternate) {
  Ring<Item> ring;
  std::deque<int> expected;
  std::minstd_rand random;
  for (int step = 0; step < 200'000; ++step) {
    const bool grows = step / 5'000 % 2 == 0;  // to many blocks, and back to none
    if (random() % 4 < (grows ? 3 : 1)) {
      ring.push_back(std::make_unique<int>(step));
      expected.push_back(step);
    } else if (!expected.empty()) {
      ASSERT_EQ(*ring.take_front(), expected.front());
      expected.pop_front();
    }
    ASSERT_EQ(ring.size(), expected.size());
    ASSERT_EQ(ring.empty(), expected.empty());
    if (!expected.empty()) {
      ASSERT_EQ(*ring.front(), expected.front());
    }
  }
}

TEST(Ring, OnceItHasGrownItAllocatesNothing) {
  Ring<int> ring;
  const auto fill_and_drain = [&](int items) {
    for (int i = 0; i < items; ++i) ring.push_back(int(i));
    while (!ring.empty()) ring.pop_front();
  };
  fill_and_drain(10'000);
  for (int items : {1, 1'000, 1'500, 10'000})
    EXPECT_EQ(course::allocations_in([&] { fill_and_drain(items); }), 0u) << items << " items";
}

TEST(Ring, WhatIsLeftIsDestroyedWithIt) {
  const auto shared = std::make_shared<int>();
  {
    Ring<std::shared_ptr<int>> ring;
    for (int i = 0; i < 1'000; ++i) ring.push_back(std::shared_ptr(shared));
    for (int i = 0; i < 300; ++i) ring.pop_front();
    EXPECT_EQ(shared.use_count(), 701);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(Ring, SwapExchangesItemsAndRoom) {
  Ring<int> full, empty;
  for (int i = 0; i < 1'000; ++i) full.push_back(int(i));
  full.swap(empty);
  EXPECT_TRUE(full.empty());
  full.push_back(7);
  EXPECT_EQ(full.take_front(), 7);
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(empty.take_front(), i);
  Ring<int> moved(std::move(full));
  moved.push_back(8);
  EXPECT_EQ(moved.front(), 8);
}

}  // namespace
}  // namespace concurrent
