// Wrong programs: every access is atomic, and what they make together is not.

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "support.hpp"

using self_test::Failure;
using self_test::finds;

// Between the load and the store, another thread stores.
TEST(WrongAtomics, ALostUpdate) {
  const auto program = [] {
    std::atomic<int> count = 0;
    const auto increment = [&] { count = count + 1; };
    std::jthread other(increment);
    increment();
    other.join();
    EXPECT_EQ(count, 2);  // here
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// The two threads take five turns, which no schedule with two preemptions gives them. The systematic search
// ends without it; what is tried after that finds it.
TEST(WrongAtomics, AMistakeOfThreePreemptions) {
  const auto program = [] {
    std::atomic<int> turns = 0;
    const auto move = [&](int from) { turns.compare_exchange_strong(from, from + 1); };
    std::jthread other([&] {
      move(1);
      move(3);
    });
    move(0);
    move(2);
    move(4);
    other.join();
    EXPECT_NE(turns, 5);
  };
  const explore::Result systematic = explore::explore(program, {.search = explore::Search::systematic});
  EXPECT_TRUE(systematic.exhausted);
  EXPECT_EQ(systematic.failure, Failure::none) << systematic.report;
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// Two see that nobody is first.
TEST(WrongAtomics, CheckThenAct) {
  const auto program = [] {
    std::atomic<bool> taken = false;
    std::atomic<int> winners = 0;
    const auto take = [&] {
      if (taken) return;
      taken = true;
      ++winners;
    };
    std::jthread other(take);
    take();
    other.join();
    EXPECT_EQ(winners, 1);
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// It is said to be ready before it is.
TEST(WrongAtomics, ReadyBeforeTheValue) {
  const auto program = [] {
    std::atomic<int> value = 0;
    std::atomic<bool> ready = false;
    std::jthread writer([&] {
      ready = true;
      value = 42;
    });
    if (ready) {
      EXPECT_EQ(value, 42);
    }
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// The flag is new, the value that is read with it may be old.
TEST(WrongAtomics, AStaleValue) {
  const auto program = [] {
    std::atomic<int> value = 0, ready = 0;
    std::jthread writer([&] {
      value.store(42, std::memory_order_relaxed);
      ready.store(1, std::memory_order_relaxed);
    });
    if (ready.load(std::memory_order_relaxed)) {
      EXPECT_EQ(value.load(std::memory_order_relaxed), 42);
    }
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// A weak compare-exchange may fail although nobody else is there: without a loop, nobody gets it.
TEST(WrongAtomics, AWeakExchangeWithoutALoop) {
  const auto program = [] {
    std::atomic<int> left = 1;
    int expected = 1;
    EXPECT_TRUE(left.compare_exchange_weak(expected, 0));  // here
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
  EXPECT_EQ(explore::explore(program, {.weak = 0}).failure, Failure::none) << "it has just the one reason";
}

// Peterson's way to exclude the other: with less than seq_cst both may find it away.
TEST(WrongAtomics, BothComeIn) {
  const auto program = [] {
    std::atomic<bool> me = false, you = false;
    std::atomic<int> inside = 0;
    const auto enter = [&](std::atomic<bool>& mine, std::atomic<bool>& yours) {
      mine.store(true, std::memory_order_release);
      if (yours.load(std::memory_order_acquire)) return;
      ++inside;
    };
    std::jthread other([&] { enter(you, me); });
    enter(me, you);
    other.join();
    EXPECT_LE(inside, 1);
  };
  EXPECT_TRUE(finds(Failure::check_failed, program, {.stale = 2}));
}

// A spin lock that is taken with a relaxed exchange protects nothing.
TEST(WrongAtomics, ASpinLockWithoutAcquire) {
  const auto program = [] {
    std::atomic<bool> locked = false;
    int count = 0;
    const auto increment = [&] {
      while (locked.exchange(true, std::memory_order_relaxed)) std::this_thread::yield();
      ++count;
      locked.store(false, std::memory_order_release);
    };
    std::jthread other(increment);
    increment();
  };
  EXPECT_TRUE(finds(Failure::data_race, program));
}

// The owner takes the last item without a compare-exchange, a thief takes it too.
TEST(WrongAtomics, ADequeWhoseLastItemIsTakenTwice) {
  const auto program = [] {
    struct Deque {
      std::atomic<int> top = 0, bottom = 0;
      std::array<std::atomic<int>, 2> items{};

      void push(int item) {
        items[static_cast<std::size_t>(bottom)] = item;
        ++bottom;
      }
      std::optional<int> pop() {
        const int last = --bottom;
        if (top <= last) return items[static_cast<std::size_t>(last)];
        bottom = top.load();
        return std::nullopt;
      }
      std::optional<int> steal() {
        int first = top;
        if (first >= bottom) return std::nullopt;
        const int item = items[static_cast<std::size_t>(first)];
        if (!top.compare_exchange_strong(first, first + 1)) return std::nullopt;
        return item;
      }
    };
    Deque deque;
    deque.push(1);
    std::optional<int> stolen;
    std::jthread thief([&] { stolen = deque.steal(); });
    const std::optional<int> popped = deque.pop();
    thief.join();
    EXPECT_FALSE(stolen && popped);  // here
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// The head is the same as before, but what lies below it is not: ABA.
TEST(WrongAtomics, AStackWhoseHeadComesBack) {
  constexpr int none = -1;
  struct Stack {
    std::atomic<int> head = none;
    std::array<std::atomic<int>, 2> below{};

    void push(int node) {
      int top = head;
      do below[static_cast<std::size_t>(node)] = top;
      while (!head.compare_exchange_strong(top, node));
    }
    int pop() {
      int top = head;
      while (top != none && !head.compare_exchange_strong(top, below[static_cast<std::size_t>(top)])) {
      }
      return top;
    }
  };
  const auto program = [] {
    Stack stack;
    stack.push(1);
    stack.push(0);
    int kept = none;
    std::jthread other([&] {
      const int again = stack.pop();
      kept = stack.pop();
      stack.push(again);
    });
    stack.pop();
    other.join();
    const int last = stack.pop();
    EXPECT_TRUE(last == none || last != kept) << "a node that somebody has is on the stack";
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// The reader trusts the sequence number that it read first, and does not look again.
TEST(WrongAtomics, ASequenceLockWithoutASecondLook) {
  const auto program = [] {
    std::atomic<int> sequence = 0, a = 0, b = 0;
    std::jthread writer([&] {
      ++sequence;
      a = 1;
      b = 1;
      ++sequence;
    });
    if (sequence % 2 == 0) {
      const int first = a, second = b;
      EXPECT_EQ(first, second);
    }
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}

// The last to leave is found by two steps: both may find that the other is the last, or both be it.
TEST(WrongAtomics, AReferenceCountInTwoSteps) {
  const auto program = [] {
    std::atomic<int> owners = 2, freed = 0;
    const auto leave = [&] {
      --owners;
      if (owners == 0) ++freed;
    };
    std::jthread other(leave);
    leave();
    other.join();
    EXPECT_EQ(freed, 1);
  };
  EXPECT_TRUE(finds(Failure::check_failed, program));
}
