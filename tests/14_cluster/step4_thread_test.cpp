// Chapter 14, step 4: the pool's own thread, which looks, sleeps, and runs the callbacks.

#include "support.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "looks.hpp"

using Clock = std::chrono::steady_clock;

namespace {

/// What the pool's own thread uses of its processor, and how often it sleeps: a callback says which it is.
class PoolsThread {
 public:
  explicit PoolsThread(MpiPoolExecutor& pool) {
    std::promise<pthread_t> said;
    const Fifo fifo;  // as long as the call waits, the callback is the pool's to run
    pool.submit(wait_at, fifo.name()).add_done_callback([&](const auto&) {
      said.set_value(::pthread_self());
    });
    fifo.let_go();
    ::pthread_getcpuclockid(said.get_future().get(), &clock_);
  }

  /// Returns the time that it has run so far.
  [[nodiscard]] std::chrono::nanoseconds used() const {
    timespec time{};
    ::clock_gettime(clock_, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }
  /// Returns the least that it runs in such a time, of some times, or what is no more than `enough`.
  [[nodiscard]] std::chrono::nanoseconds least_in(std::chrono::milliseconds span,
                                                  std::chrono::nanoseconds enough) const {
    auto least = std::chrono::nanoseconds::max();
    for (int attempt = 0; attempt < std::chrono::seconds(4) / span && least > enough; ++attempt) {
      const auto before = used();
      std::this_thread::sleep_for(span);
      least = std::min(least, used() - before);
    }
    return least;
  }

 private:
  clockid_t clock_ = 0;
};

/// A value whose destructor uses the pool, if there is something in it.
struct Parting {
  static inline std::atomic<MpiPoolExecutor*> pool = nullptr;
  static inline std::promise<std::string> said;

  Parting() = default;
  explicit Parting(int number) : number(number) {}
  Parting(Parting&& other) noexcept : number(std::exchange(other.number, 0)) {}
  Parting& operator=(Parting&& other) noexcept {
    std::swap(number, other.number);
    return *this;
  }
  ~Parting() {
    MpiPoolExecutor* const its_pool = pool;
    if (number == 0 || its_pool == nullptr) return;
    its_pool->submit(twice, std::exchange(number, 0)).add_done_callback([](const Future<int>& future) {
      said.set_value(outcome(future));
    });
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number);
  }

  int number = 0;
};

}  // namespace

TEST(Step4_Thread, OfAnIdlePoolItSleepsUntilItIsWoken) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const PoolsThread thread(pool);
  // So long that a busy machine lets even a thread that looks every 10 ms run.
  EXPECT_EQ(thread.least_in(std::chrono::milliseconds(800), std::chrono::nanoseconds(0)).count(), 0)
      << "nanoseconds of the processor's time, though nothing can come";
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
}

TEST(Step4_Thread, WhileACallRunsItSleepsBetweenTheLooks) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const PoolsThread thread(pool);
  const Fifo fifo;
  const auto call = pool.submit(wait_at, fifo.name());
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LE(Looks::in_200_ms(), 200) << "looks in 200 ms in which no answer came";
  // That it does not spin between two looks: what the looks themselves take is for the machine to say.
  const std::chrono::nanoseconds enough = std::chrono::milliseconds(50);
  EXPECT_LE(thread.least_in(std::chrono::milliseconds(200), enough), enough)
      << "in 200 ms in which no answer came";
  fifo.let_go();
  EXPECT_EQ(call.result(), "go");
}

TEST(Step4_Thread, ForAnAnswerThatComesSoonItLooksAtOnce) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const Fifo fifo;
  std::promise<void> said;
  // Each callback submits the next call, so that nobody but this thread is at work here.
  std::function<void(int)> go_on = [&](int left) {
    if (left == 0) return said.set_value();
    pool.submit(twice, left).add_done_callback([&, left](const auto&) { go_on(left - 1); });
  };
  pool.submit(wait_at, fifo.name()).add_done_callback([&](const auto&) { go_on(100); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // it has waited for long
  fifo.let_go();
  said.get_future().get();
  const long looks = Looks::vain_after_a_find();
  EXPECT_GT(looks, 0) << "no answer came so late that it looked for it in vain";
  EXPECT_LE(Looks::slept_after_a_find(), looks / 2)
      << "times that it slept after it had looked once, of " << looks;
}

TEST(Step4_Thread, WhenItIsWokenItLooksAtOnce) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  EXPECT_EQ(pool.submit(twice, 21).result(), 42);
  int looks = 0, slept = 0;
  for (int i = 0; i < 3; ++i) {
    course::wait_until_others_block();  // the pool has nothing to do, and its thread sleeps
    Looks::mark();
    EXPECT_EQ(pool.submit(twice, i).result(), 2 * i);
    const auto pause = Looks::slept_after_the_mark();
    looks += pause.has_value();
    slept += pause.value_or(false);
  }
  EXPECT_GT(looks, 0) << "no answer came so late that it looked for it in vain";
  EXPECT_LE(slept, looks / 2) << "times that a call woke it, and it looked once and slept again, of "
                              << looks;
}

TEST(Step4_Thread, WhoSubmitsDoesNotWaitForIt) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const Fifo fifo;
  const auto call = pool.submit(wait_at, fifo.name());
  std::this_thread::sleep_for(std::chrono::milliseconds(40));  // by now it sleeps for 10 ms between two looks
  int waited = 20;
  for (const auto begin = Clock::now(); waited >= 10 && Clock::now() < begin + std::chrono::seconds(5);) {
    waited = 0;
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      const long before = sleeps_of_this_thread();
      pool.submit(twice, i);
      if (sleeps_of_this_thread() > before) ++waited;
    }
  }
  EXPECT_LT(waited, 10) << "calls of submit(), of 20, that waited while the pool's thread slept";
  fifo.let_go();
  EXPECT_EQ(call.result(), "go");
}

TEST(Step4_Thread, AResultThatNobodyWantsIsDestroyedWithoutTheLock) {
  if (!in_ranks(2)) return;
  MpiPoolExecutor pool;
  const Fifo fifo;
  static_cast<void>(pool.submit(
      [](const std::string& fifo) {
        wait_at(fifo);
        return Parting(21);
      },
      fifo.name()));
  Parting::pool = &pool;
  fifo.let_go();  // by now the future has gone
  EXPECT_EQ(Parting::said.get_future().get(), "42") << "its destructor has submitted a call";
}
