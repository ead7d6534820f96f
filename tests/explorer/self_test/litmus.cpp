// What C++'s memory model allows is found, and what it forbids never happens.

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "support.hpp"

using self_test::Failure;
using self_test::finds;
using self_test::finds_nothing;

namespace {

using Order = std::memory_order;
constexpr Order relaxed = std::memory_order_relaxed, acquire = std::memory_order_acquire,
                release = std::memory_order_release, acq_rel = std::memory_order_acq_rel,
                seq_cst = std::memory_order_seq_cst;

testing::AssertionResult allowed(void (*program)()) {
  return finds(Failure::check_failed, program, {.schedules = 20'000, .stale = 2});
}
testing::AssertionResult forbidden(void (*program)()) { return finds_nothing(program, 20'000); }

template <Order store, Order load>
void message_passing() {
  std::atomic<int> data = 0, flag = 0;
  std::jthread writer([&] {
    data.store(1, relaxed);
    flag.store(1, store);
  });
  if (flag.load(load) == 1) {
    EXPECT_EQ(data.load(relaxed), 1);
  }
}

template <Order before, Order after>
void message_passing_by_fences() {
  std::atomic<int> data = 0, flag = 0;
  std::jthread writer([&] {
    data.store(1, relaxed);
    std::atomic_thread_fence(before);
    flag.store(1, relaxed);
  });
  if (flag.load(relaxed) == 1) {
    std::atomic_thread_fence(after);
    EXPECT_EQ(data.load(relaxed), 1);
  }
}

void message_passing_without_fences() {
  std::atomic<int> data = 0, flag = 0;
  std::jthread writer([&] {
    data.store(1, relaxed);
    flag.store(1, relaxed);
  });
  if (flag.load(relaxed) == 1) {
    EXPECT_EQ(data.load(relaxed), 1);
  }
}

/// Both threads store to their own variable, and then read the other's.
template <Order store, Order load>
void store_buffering() {
  std::atomic<int> x = 0, y = 0;
  int a = 0, b = 0;
  std::jthread other([&] {
    x.store(1, store);
    a = y.load(load);
  });
  y.store(1, store);
  b = x.load(load);
  other.join();
  EXPECT_TRUE(a == 1 || b == 1);
}

template <Order fence>
void store_buffering_with_fences() {
  std::atomic<int> x = 0, y = 0;
  int a = 0, b = 0;
  std::jthread other([&] {
    x.store(1, relaxed);
    std::atomic_thread_fence(fence);
    a = y.load(relaxed);
  });
  y.store(1, relaxed);
  std::atomic_thread_fence(fence);
  b = x.load(relaxed);
  other.join();
  EXPECT_TRUE(a == 1 || b == 1);
}

/// Nobody sees a variable go back.
void coherence() {
  std::atomic<int> x = 0;
  std::jthread writer([&] {
    x.store(1, relaxed);
    x.store(2, relaxed);
  });
  const int first = x.load(relaxed), second = x.load(relaxed);
  EXPECT_LE(first, second);
  writer.join();
  EXPECT_EQ(x.load(relaxed), 2);
}

/// Nor does anybody to whom the reader has told it.
void coherence_of_two_readers() {
  std::atomic<int> x = 0, told = -1;
  std::jthread writer([&] { x.store(1, relaxed); });
  std::jthread reader([&] { told.store(x.load(relaxed), release); });
  if (const int before = told.load(acquire); before >= 0) {
    EXPECT_GE(x.load(relaxed), before);
  }
}

/// A thread reads what it has written itself, or something later.
void own_writes() {
  std::atomic<int> x = 0;
  std::jthread other([&] { x.store(2, relaxed); });
  x.store(1, relaxed);
  EXPECT_NE(x.load(relaxed), 0);
}

/// An exchange always finds the newest value.
void exchanges() {
  std::atomic<int> x = 0;
  std::jthread other([&] { x.fetch_add(1, relaxed); });
  x.fetch_add(1, relaxed);
  other.join();
  EXPECT_EQ(x.load(relaxed), 2);
}

/// Two variables are written by two threads; two others see them in different order.
template <Order store, Order load>
void independent_reads_of_independent_writes() {
  std::atomic<int> x = 0, y = 0;
  int a = 0, b = 0, c = 0, d = 0;
  {
    std::jthread writes_x([&] { x.store(1, store); }), writes_y([&] { y.store(1, store); });
    std::jthread reads_x_first([&] {
      a = x.load(load);
      b = y.load(load);
    });
    c = y.load(load);
    d = x.load(load);
  }
  EXPECT_FALSE(a == 1 && b == 0 && c == 1 && d == 0);
}

/// Knowledge that is read and passed on reaches the third thread, if each step synchronises.
template <Order order_of_store, Order order_of_load>
void three_threads_in_a_row() {
  std::atomic<int> x = 0, y = 0;
  std::jthread first([&] { x.store(1, relaxed); });
  std::jthread second([&] {
    if (x.load(relaxed) == 1) y.store(1, order_of_store);
  });
  if (y.load(order_of_load) == 1) {
    EXPECT_EQ(x.load(relaxed), 1);
  }
}

/// An exchange by a third thread carries on what the store has released, a store does not.
template <bool exchange>
void release_sequence() {
  std::atomic<int> data = 0, flag = 0;
  std::jthread writer([&] {
    data.store(1, relaxed);
    flag.store(1, release);
  });
  std::jthread third([&] {
    if (exchange) {
      int one = 1;
      flag.compare_exchange_strong(one, 2, relaxed);
    } else if (flag.load(relaxed) == 1) {
      flag.store(2, relaxed);
    }
  });
  if (flag.load(acquire) == 2) {
    EXPECT_EQ(data.load(relaxed), 1);
  }
}

/// The deque of Chase and Lev, as Lê et al. have written it for C11.
template <bool fences>
class Deque {
 public:
  void push(int item) {
    const int bottom = bottom_.load(relaxed);
    items_[static_cast<std::size_t>(bottom)].store(item, relaxed);
    std::atomic_thread_fence(release);
    bottom_.store(bottom + 1, relaxed);
  }
  std::optional<int> pop() {
    const int bottom = bottom_.load(relaxed) - 1;
    bottom_.store(bottom, relaxed);
    if (fences) std::atomic_thread_fence(seq_cst);
    int top = top_.load(relaxed);
    std::optional<int> item;
    if (top <= bottom) item = items_[static_cast<std::size_t>(bottom)].load(relaxed);
    if (top < bottom) return item;
    if (top == bottom && !top_.compare_exchange_strong(top, top + 1, seq_cst, relaxed)) item.reset();
    bottom_.store(bottom + 1, relaxed);
    return item;
  }
  std::optional<int> steal() {
    int top = top_.load(acquire);
    if (fences) std::atomic_thread_fence(seq_cst);
    if (top >= bottom_.load(acquire)) return std::nullopt;
    const int item = items_[static_cast<std::size_t>(top)].load(relaxed);
    if (!top_.compare_exchange_strong(top, top + 1, seq_cst, relaxed)) return std::nullopt;
    return item;
  }

 private:
  std::atomic<int> top_ = 0, bottom_ = 0;
  std::array<std::atomic<int>, 4> items_{};
};

template <bool fences>
void chase_lev() {
  Deque<fences> deque;
  std::array<std::atomic<int>, 3> taken{};
  const auto count = [&](std::optional<int> item) {
    if (item) ++taken[static_cast<std::size_t>(*item)];
  };
  deque.push(1);
  deque.push(2);
  std::jthread thief([&] {
    count(deque.steal());
    count(deque.steal());
  });
  count(deque.pop());
  count(deque.pop());
  thief.join();
  EXPECT_EQ(taken[1], 1);
  EXPECT_EQ(taken[2], 1);
}

template <Order order>
void spin_lock() {
  std::atomic_flag locked;
  std::atomic<int> count = 0;
  {
    const auto increment = [&] {
      while (locked.test_and_set(order)) std::this_thread::yield();
      count.store(count.load(relaxed) + 1, relaxed);
      locked.clear(release);
    };
    std::jthread a(increment), b(increment);
  }
  EXPECT_EQ(count, 2);
}

/// Peterson's algorithm for two.
template <Order order>
void peterson() {
  std::array<std::atomic<bool>, 2> wants{};
  std::atomic<int> turn = 0, inside = 0;
  const auto enter = [&](std::size_t me) {
    const std::size_t other = 1 - me;
    wants[me].store(true, order == seq_cst ? seq_cst : release);
    turn.store(static_cast<int>(other), order == seq_cst ? seq_cst : release);
    while (wants[other].load(order) && turn.load(order) == static_cast<int>(other)) std::this_thread::yield();
    EXPECT_EQ(inside.fetch_add(1, relaxed), 0);
    inside.fetch_sub(1, relaxed);
    wants[me].store(false, release);
  };
  std::jthread other([&] { enter(1); });
  enter(0);
}

}  // namespace

TEST(Litmus, MessagePassing) {
  EXPECT_TRUE(allowed(message_passing<relaxed, relaxed>));
  EXPECT_TRUE(allowed(message_passing<release, relaxed>));
  EXPECT_TRUE(allowed(message_passing<relaxed, acquire>));
}
TEST(Litmus, MessagePassingThatSynchronises) {
  EXPECT_TRUE(forbidden(message_passing<release, acquire>));
  EXPECT_TRUE(forbidden(message_passing<seq_cst, seq_cst>));
}
TEST(Litmus, MessagePassingByFences) {
  EXPECT_TRUE(allowed(message_passing_without_fences));
  EXPECT_TRUE((allowed(message_passing_by_fences<acquire, release>)));
}
TEST(Litmus, MessagePassingByFencesThatSynchronise) {
  EXPECT_TRUE((forbidden(message_passing_by_fences<release, acquire>)));
  EXPECT_TRUE((forbidden(message_passing_by_fences<acq_rel, acq_rel>)));
  EXPECT_TRUE((forbidden(message_passing_by_fences<seq_cst, seq_cst>)));
}
TEST(Litmus, StoreBuffering) {
  EXPECT_TRUE(allowed(store_buffering<relaxed, relaxed>));
  EXPECT_TRUE(allowed(store_buffering<release, acquire>));
  EXPECT_TRUE(allowed(store_buffering<seq_cst, acquire>));
  EXPECT_TRUE(allowed(store_buffering<release, seq_cst>));
}
TEST(Litmus, StoreBufferingInOneOrder) { EXPECT_TRUE(forbidden(store_buffering<seq_cst, seq_cst>)); }
TEST(Litmus, StoreBufferingWithFences) {
  EXPECT_TRUE(allowed(store_buffering_with_fences<acq_rel>));
  EXPECT_TRUE(allowed(store_buffering_with_fences<relaxed>));
}
TEST(Litmus, StoreBufferingWithFencesInOneOrder) {
  EXPECT_TRUE(forbidden(store_buffering_with_fences<seq_cst>));
}
TEST(Litmus, Coherence) { EXPECT_TRUE(forbidden(coherence)); }
TEST(Litmus, CoherenceOfTwoReaders) { EXPECT_TRUE(forbidden(coherence_of_two_readers)); }
TEST(Litmus, OwnWrites) { EXPECT_TRUE(forbidden(own_writes)); }
TEST(Litmus, Exchanges) { EXPECT_TRUE(forbidden(exchanges)); }
TEST(Litmus, IndependentReads) {
  EXPECT_TRUE((allowed(independent_reads_of_independent_writes<release, acquire>)));
  EXPECT_TRUE((allowed(independent_reads_of_independent_writes<relaxed, relaxed>)));
}
TEST(Litmus, IndependentReadsInOneOrder) {
  EXPECT_TRUE((forbidden(independent_reads_of_independent_writes<seq_cst, seq_cst>)));
}
TEST(Litmus, ThreeInARow) {
  EXPECT_TRUE((allowed(three_threads_in_a_row<relaxed, acquire>)));
  EXPECT_TRUE((allowed(three_threads_in_a_row<release, relaxed>)));
}
TEST(Litmus, ThreeInARowThatSynchronise) {
  EXPECT_TRUE((forbidden(three_threads_in_a_row<release, acquire>)));
}
TEST(Litmus, AReleaseSequence) { EXPECT_TRUE(forbidden(release_sequence<true>)); }
TEST(Litmus, ABrokenReleaseSequence) { EXPECT_TRUE(allowed(release_sequence<false>)); }
TEST(Litmus, ChaseLevWithoutFences) { EXPECT_TRUE(allowed(chase_lev<false>)); }
TEST(Litmus, ChaseLevWithFences) { EXPECT_TRUE(forbidden(chase_lev<true>)); }
TEST(Litmus, ASpinLockThatIsRelaxed) { EXPECT_TRUE(allowed(spin_lock<relaxed>)); }
TEST(Litmus, ASpinLockThatAcquires) { EXPECT_TRUE(forbidden(spin_lock<acquire>)); }
TEST(Litmus, PetersonWithLessThanOneOrder) { EXPECT_TRUE(allowed(peterson<acquire>)); }
TEST(Litmus, PetersonInOneOrder) { EXPECT_TRUE(forbidden(peterson<seq_cst>)); }
