// Chapter 01, step 2: items whose moves throw.

#include "support.hpp"

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace {

/// An item whose move throws, once, when one of the threads moves it that `moves_badly`. One that has moved
/// leaves a 0 behind.
struct Fragile {
  static inline std::atomic<int> throws = 0;
  static inline thread_local bool moves_badly = false;

  explicit Fragile(int number) : number(number) {}
  Fragile(Fragile&& other) : number(other.number) {
    if (moves_badly && throws > 0 && throws.fetch_sub(1) == 1) throw std::runtime_error("no move");
    other.number = 0;
  }
  Fragile& operator=(Fragile&& other) noexcept {
    number = std::exchange(other.number, 0);
    return *this;
  }

  int number;
};

}  // namespace

TEST(Step2_Waiting, AnItemWhoseMoveThrowsStaysAndSomebodyElseIsWokenForIt) {
  // Only if both items come before the first thread is awake, is the second not woken with it.
  for (int round = 0; round < 100; ++round) {
    BlockingQueue<Fragile> queue;
    std::atomic<int> taken = 0, thrown = 0;
    const auto consume = [&] {
      Fragile::moves_badly = true;
      wake_up_politely();
      try {
        if (queue.pop()) ++taken;
      } catch (const std::runtime_error&) {
        ++thrown;
      }
    };
    {
      std::jthread first(consume), second(consume);
      while (queue.idle() < 2) std::this_thread::yield();
      Fragile::throws = 1;
      queue.push(Fragile(1));
      queue.push(Fragile(2));
    }  // hangs if one of them sleeps beside the items that are there
    ASSERT_EQ(taken, 1);
    ASSERT_EQ(thrown, 1);
    ASSERT_EQ(queue.size(), 1u) << "the item whose move threw is still there";
  }
}

TEST(Step2_Waiting, AnItemThatOnePopCouldNotMoveIsForAnotherThatWaits) {
  BlockingQueue<Fragile> queue;
  std::atomic<int> taken = 0, thrown = 0;
  const auto consume = [&] {
    Fragile::moves_badly = true;
    try {
      if (queue.pop()) ++taken;
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  };
  {
    std::jthread first(consume), second(consume);
    course::wait_until_others_block();
    Fragile::throws = 1;
    queue.push(Fragile(1));
  }  // hangs if nobody was woken for the item that is still there
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(thrown, 1);
}

TEST(Step2_Waiting, RoomThatOnePushCouldNotUseIsForAnotherThatWaits) {
  BlockingQueue<Fragile> queue(1);
  queue.push(Fragile(0));
  std::atomic<int> pushed = 0, thrown = 0;
  const auto produce = [&] {
    Fragile item(1);
    Fragile::moves_badly = true;
    try {
      queue.push(std::move(item));
      ++pushed;
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  };
  {
    std::jthread first(produce), second(produce);
    course::wait_until_others_block();
    Fragile::throws = 1;
    queue.pop();
  }  // hangs if nobody was woken for the room that is still there
  EXPECT_EQ(pushed, 1);
  EXPECT_EQ(thrown, 1);
  EXPECT_EQ(queue.size(), 1u);
}

TEST(Step2_Waiting, WhicheverMoveThrowsTheItemStays) {
  for (const bool waits : {false, true}) {
    for (int n = 1;; ++n) {
      BlockingQueue<Fragile> queue;
      queue.push(Fragile(1));
      queue.push(Fragile(2));
      Fragile::moves_badly = true;
      Fragile::throws = n;
      const std::string error = course::error_of([&] { waits ? queue.pop() : queue.try_pop(); });
      Fragile::moves_badly = false;
      if (error == "nothing") break;
      ASSERT_LT(n, 10) << "an item is moved again and again";
      ASSERT_EQ(queue.size(), 2u) << "move " << n << " of the item threw on its way out, and it is gone";
      ASSERT_EQ(queue.pop().value().number, 1) << "and it is still the first";
    }
  }
}
