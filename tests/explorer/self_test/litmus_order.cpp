// Sequentially consistent operations and fences have one order, and atomic objects each have theirs: what
// follows from that never fails to come, and what does not follow is found.

#include <array>
#include <atomic>
#include <thread>

#include "support.hpp"

using self_test::Failure;
using self_test::finds;
using self_test::finds_nothing;

namespace {

using Order = std::memory_order;
constexpr Order relaxed = std::memory_order_relaxed, acquire = std::memory_order_acquire,
                release = std::memory_order_release, seq_cst = std::memory_order_seq_cst;

testing::AssertionResult allowed(void (*program)()) {
  return finds(Failure::check_failed, program, {.schedules = 20'000, .stale = 2});
}
testing::AssertionResult forbidden(void (*program)()) { return finds_nothing(program, 20'000); }

/// A fence, or none.
template <Order order>
void fence() {
  if constexpr (order != relaxed) std::atomic_thread_fence(order);
}

/// The other thread has a fence between its store and its load.
template <Order store, Order load, Order between>
void store_buffering() {
  std::atomic<int> x = 0, y = 0;
  int a = 0, b = 0;
  std::jthread other([&] {
    x.store(1, relaxed);
    std::atomic_thread_fence(seq_cst);
    a = y.load(relaxed);
  });
  y.store(1, store);
  fence<between>();
  b = x.load(load);
  other.join();
  EXPECT_TRUE(a == 1 || b == 1);
}

/// The fence comes before the store: that is too soon.
void store_buffering_with_a_fence_too_soon() {
  std::atomic<int> x = 0, y = 0;
  int a = 0, b = 0;
  std::jthread other([&] {
    std::atomic_thread_fence(seq_cst);
    x.store(1, relaxed);
    a = y.load(relaxed);
  });
  y.store(1, relaxed);
  std::atomic_thread_fence(seq_cst);
  b = x.load(relaxed);
  other.join();
  EXPECT_TRUE(a == 1 || b == 1);
}

void store_buffering_by_exchanges() {
  std::atomic<int> x = 0, y = 0;
  int a = 0, b = 0;
  std::jthread other([&] {
    x.exchange(1, seq_cst);
    a = y.load(seq_cst);
  });
  y.exchange(1, seq_cst);
  b = x.load(seq_cst);
  other.join();
  EXPECT_TRUE(a == 1 || b == 1);
}

/// The thread that has the fence has another one load.
void store_buffering_with_a_load_elsewhere() {
  std::atomic<int> x = 0, y = 0;
  int a = 0, b = 0;
  {
    std::jthread other([&] {
      x.store(1, relaxed);
      std::atomic_thread_fence(seq_cst);
      a = y.load(relaxed);
    });
    y.store(1, relaxed);
    std::atomic_thread_fence(seq_cst);
    std::thread([&] { b = x.load(relaxed); }).join();
  }
  EXPECT_TRUE(a == 1 || b == 1);
}

/// Two writers, and two readers who look in opposite order.
template <Order store, Order load, Order between = relaxed, Order also_between = between>
void independent_reads() {
  std::atomic<int> x = 0, y = 0;
  int a = 0, b = 0, c = 0, d = 0;
  {
    std::jthread writes_x([&] { x.store(1, store); }), writes_y([&] { y.store(1, store); });
    std::jthread reader([&] {
      a = x.load(load);
      fence<between>();
      b = y.load(load);
    });
    c = y.load(load);
    fence<also_between>();
    d = x.load(load);
  }
  EXPECT_FALSE(a == 1 && b == 0 && c == 1 && d == 0);
}

/// A store that a sequentially consistent load has read comes before every fence that is later in the one
/// order.
void a_load_before_a_fence() {
  std::atomic<int> x = 0, y = 0;
  int a = 0, b = 0, c = 0;
  {
    std::jthread writer([&] { x.store(1, relaxed); });
    std::jthread reader([&] {
      a = x.load(seq_cst);
      b = y.load(seq_cst);
    });
    y.store(1, seq_cst);
    std::atomic_thread_fence(seq_cst);
    c = x.load(relaxed);
  }
  EXPECT_FALSE(a == 1 && b == 0 && c == 0);
}

/// A reader hands on what it has read, and then reads on: that second look is its own affair.
void a_reader_that_reads_on() {
  std::atomic<int> x = 0, told = -1;
  std::jthread writer([&] {
    x.store(1, relaxed);
    x.store(2, relaxed);
  });
  std::jthread reader([&] {
    told.store(x.load(relaxed), release);
    x.load(relaxed);
  });
  if (const int before = told.load(acquire); before >= 0) {
    EXPECT_GE(x.load(relaxed), before);
  }
}

/// An exchange that fails is a load, and no later load reads what is older.
void a_load_after_a_failed_exchange() {
  std::atomic<int> x = 0;
  std::jthread writer([&] {
    x.store(1, relaxed);
    x.store(2, relaxed);
  });
  int seen = 7;
  x.compare_exchange_strong(seen, 8, relaxed);
  EXPECT_GE(x.load(relaxed), seen);
}

/// Atomic objects that lie where others lay know nothing of them.
void atomics_made_anew() {
  for (int round = 0; round < 2; ++round) {
    std::array<std::atomic<int>, 4> numbers{};
    std::jthread other([&] { numbers[1].store(10 + round, relaxed); });
    const int number = numbers[1].load(relaxed);
    EXPECT_TRUE(number == 0 || number == 10 + round) << number;
  }
}

}  // namespace

TEST(LitmusOrder, AFenceAndSequentiallyConsistentOperations) {
  EXPECT_TRUE((forbidden(store_buffering<seq_cst, seq_cst, relaxed>)));
}
TEST(LitmusOrder, AFenceAndAnAcquiringLoad) {
  EXPECT_TRUE((allowed(store_buffering<seq_cst, acquire, relaxed>)));
}
TEST(LitmusOrder, OneFenceAlone) { EXPECT_TRUE((allowed(store_buffering<relaxed, relaxed, relaxed>))); }
TEST(LitmusOrder, TwoFences) { EXPECT_TRUE((forbidden(store_buffering<relaxed, relaxed, seq_cst>))); }
TEST(LitmusOrder, AFenceTooSoon) { EXPECT_TRUE(allowed(store_buffering_with_a_fence_too_soon)); }
TEST(LitmusOrder, Exchanges) { EXPECT_TRUE(forbidden(store_buffering_by_exchanges)); }
TEST(LitmusOrder, AFenceHandedOn) { EXPECT_TRUE(forbidden(store_buffering_with_a_load_elsewhere)); }
TEST(LitmusOrder, IndependentReadsWithFences) {
  EXPECT_TRUE((forbidden(independent_reads<relaxed, relaxed, seq_cst>)));
}
TEST(LitmusOrder, IndependentReadsWithOneFence) {
  EXPECT_TRUE((allowed(independent_reads<relaxed, acquire, seq_cst, relaxed>)));
}
TEST(LitmusOrder, IndependentReadsOfRelaxedStores) {
  EXPECT_TRUE((forbidden(independent_reads<relaxed, seq_cst>)));
}
TEST(LitmusOrder, IndependentReadsThatAcquire) {
  EXPECT_TRUE((allowed(independent_reads<seq_cst, acquire>)));
}
TEST(LitmusOrder, ALoadBeforeAFence) { EXPECT_TRUE(forbidden(a_load_before_a_fence)); }
TEST(LitmusOrder, AReaderThatReadsOn) { EXPECT_TRUE(forbidden(a_reader_that_reads_on)); }
TEST(LitmusOrder, ALoadAfterAFailedExchange) { EXPECT_TRUE(forbidden(a_load_after_a_failed_exchange)); }
TEST(LitmusOrder, AtomicsMadeAnew) { EXPECT_TRUE(forbidden(atomics_made_anew)); }
