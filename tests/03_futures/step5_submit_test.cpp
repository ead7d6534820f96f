// Chapter 03, step 5: submit.

#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

using concurrent::Job;
using concurrent::SerialExecutor;

namespace {

using IntCall = std::function<int()>;

/// A call that does nothing but own something.
struct Owner {
  explicit Owner(std::atomic<int>& alive) : owned(std::make_unique<Counted>(alive)) {}
  void operator()() const {}
  std::unique_ptr<Counted> owned;
};

/// Counts its copies, and cannot be moved: whoever tries makes one more.
class OnlyCopied {
 public:
  explicit OnlyCopied(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  OnlyCopied(const OnlyCopied& other) : alive_(other.alive_) { ++alive_; }
  ~OnlyCopied() { --alive_; }

 private:
  std::atomic<int>& alive_;
};

}  // namespace

TEST(Step5_Submit, SubmitReturnsAtOnceAndTheResultComesLater) {  // CF-24
  ManualExecutor executor;
  const Future<int> future = executor.submit(add, 40, 2);
  EXPECT_EQ(future.state(), FutureState::pending);
  EXPECT_EQ(outcome(future), "not done");
  EXPECT_EQ(executor.pending(), 1u);
  executor.run_one();
  EXPECT_EQ(future.state(), FutureState::finished);
  EXPECT_EQ(outcome(future), "42");
}

TEST(Step5_Submit, AnyExecutorWillDo) {  // CF-24
  InlineExecutor here;
  ThreadPoolExecutor pool{{.max_workers = 2}};
  SerialExecutor strand(pool);
  for (concurrent::Executor* executor : std::initializer_list<concurrent::Executor*>{&here, &pool, &strand}) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 500; ++i) futures.push_back(executor->submit(add, i, 1));
    for (int i = 0; i < 500; ++i) ASSERT_EQ(futures[static_cast<std::size_t>(i)].result(), i + 1);
  }
}

TEST(Step5_Submit, TheCallRunsOnAWorkerAndTheCallbacksToo) {  // CF-09
  std::thread::id worker, called_on;
  Gate gate;
  {
    ThreadPoolExecutor pool{{.max_workers = 1}};
    Future<void> future = pool.submit(Call([&] {
      gate.pass();
      worker = std::this_thread::get_id();
    }));
    future.add_done_callback([&](auto) { called_on = std::this_thread::get_id(); });
    gate.open();
  }
  EXPECT_NE(worker, std::this_thread::get_id());
  EXPECT_EQ(called_on, worker);
}

TEST(Step5_Submit, WhatTheCallThrowsComesOutOfResultAndTheWorkerLivesOn) {  // CF-25
  int told = 0;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  pool.set_exception_handler([&](auto) { ++told; });
  const Future<int> burnt = pool.submit(IntCall([]() -> int { throw std::runtime_error("burnt"); }));
  const Future<void> seven = pool.submit(Call([] { throw 7; }));
  const Future<int> fine = pool.submit(add, 40, 2);
  EXPECT_EQ(outcome_at_last(burnt), "burnt");
  EXPECT_EQ(outcome_at_last(seven), "7") << "anything can be thrown";
  EXPECT_EQ(fine.result(), 42);
  pool.shutdown();
  EXPECT_EQ(told, 0) << "what a future keeps is no news for the executor's exception handler";
}

TEST(Step5_Submit, ArgumentsAreCopied) {  // CF-24
  ManualExecutor executor;
  std::string word = "salt";
  const auto say = [](const std::string& what) { return what; };
  const Future<std::string> copied = executor.submit(say, word);
  const Future<std::string> referred = executor.submit(say, std::cref(word));
  word = "pepper";
  executor.run_all();
  EXPECT_EQ(outcome(copied), "salt");
  EXPECT_EQ(outcome(referred), "pepper") << "std::ref and std::cref pass a reference";
}

TEST(Step5_Submit, ArgumentsAreMovedIntoTheCall) {  // CF-24
  ManualExecutor executor;
  auto whole = std::make_unique<int>(41);
  const auto eat = [](std::unique_ptr<int> one, std::unique_ptr<int>&& other) { return *one + *other; };
  const Future<int> future = executor.submit(eat, std::move(whole), std::make_unique<int>(1));
  EXPECT_FALSE(whole);
  executor.run_all();
  EXPECT_EQ(outcome(future), "42");
}

TEST(Step5_Submit, FunctionsAndResultsMayBeMoveOnly) {  // CF-24
  ManualExecutor executor;
  const auto future =
      executor.submit([owned = std::make_unique<int>(42)]() mutable { return std::move(owned); });
  executor.run_all();
  EXPECT_EQ(*future.result(), 42);
}

TEST(Step5_Submit, AnythingThatCanBeInvokedCanBeSubmitted) {  // CF-24
  struct Pot {
    int liters = 3;
    int filled(int by) const { return liters + by; }
    void empty() { liters = 0; }
  };
  ManualExecutor executor;
  Pot pot;
  const Future<int> copy = executor.submit(&Pot::filled, pot, 1);
  const Future<int> pointed = executor.submit(&Pot::filled, &pot, 2);
  const Future<int&> member = executor.submit(&Pot::liters, std::ref(pot));
  const Future<void> emptied = executor.submit(&Pot::empty, std::ref(pot));
  executor.run_all();
  EXPECT_EQ(outcome(copy), "4");
  EXPECT_EQ(outcome(pointed), "5");
  EXPECT_EQ(&member.result(0s), &pot.liters);
  EXPECT_EQ(outcome(emptied), "done");
  EXPECT_EQ(pot.liters, 0);
}

TEST(Step5_Submit, AReferenceThatTheCallReturnsStaysOne) {
  InlineExecutor executor;
  int pot = 1;
  Future<int&> future = executor.submit([&]() -> int& { return pot; });
  future.result() = 2;
  EXPECT_EQ(pot, 2);
}

TEST(Step5_Submit, AResultThatCannotBeStoredMakesAnException) {
  InlineExecutor executor;
  const auto future = executor.submit([made = std::make_unique<ThrowsWhenMoved>()]() -> ThrowsWhenMoved {
    return std::move(*made);  // moved once already to get out of here
  });
  EXPECT_EQ(what(future.exception()), "unmovable");
}

TEST(Step5_Submit, WhileTheCallRunsItCannotBeCancelled) {  // CF-01, CF-02
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  Future<void> future = pool.submit(Call([&] { gate.pass(); }));
  gate.wait_until_entered();
  EXPECT_TRUE(future.running());
  EXPECT_FALSE(future.cancel());
  gate.open();
  EXPECT_NO_THROW(future.result());
}

TEST(Step5_Submit, ACancelledCallNeverRuns) {  // CF-45
  std::atomic<int> ran = 0;
  Gate gate;
  {
    ThreadPoolExecutor pool{{.max_workers = 1}};
    pool.submit(Call([&] { gate.pass(); }));
    Future<void> first = pool.submit(Call([&] { ran += 100; }));
    const Future<void> second = pool.submit(Call([&] { ++ran; }));
    Future<void> last = pool.submit(Call([&] { ran += 100; }));
    EXPECT_TRUE(first.cancel());
    EXPECT_TRUE(last.cancel());
    gate.open();
    second.result();
  }  // hangs if the worker stumbles over a cancelled call
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Submit, ACancelledCallIsDestroyedWhenItsTurnComes) {  // CF-45, CF-32
  std::atomic<int> alive = 0;
  ManualExecutor executor;
  Future<void> future = executor.submit(Owner(alive));
  future.cancel();
  EXPECT_TRUE(executor.run_one());
  EXPECT_EQ(alive, 0) << "the handle to the future must not keep alive what the call owns";
  EXPECT_TRUE(future.cancelled());
}

TEST(Step5_Submit, TheCallIsDestroyedBeforeTheResultIsPublished) {  // CF-32
  for (const bool fails : {false, true}) {
    std::atomic<int> alive = 0;
    int left_over = -1;
    ManualExecutor executor;
    Future<int> future = executor.submit(
        [fails](const std::unique_ptr<Counted>&) { return fails ? throw std::runtime_error("burnt") : 42; },
        std::make_unique<Counted>(alive));
    future.add_done_callback([&](auto) { left_over = alive; });
    executor.run_all();
    EXPECT_EQ(outcome(future), fails ? "burnt" : "42");
    EXPECT_EQ(left_over, 0) << "whoever has the result may rely on that function and arguments are gone";
  }
}

TEST(Step5_Submit, ACallThatCanOnlyBeCopiedIsGoneToo) {  // CF-32
  std::atomic<int> alive = 0;
  int left_over = -1;
  ManualExecutor executor;
  Future<void> future = executor.submit([owned = OnlyCopied(alive)] {});
  future.add_done_callback([&](auto) { left_over = alive; });
  executor.run_all();
  EXPECT_EQ(left_over, 0) << "what can only be copied stays where it is when it is moved from";
}

TEST(Step5_Submit, ACallThatRunsInsidePostIsGoneToo) {  // CF-32
  struct RunsAtOnce : concurrent::Executor {
    void post(Job job) override {
      std::exchange(job, {})();
      left_over = alive;
    }
    void shutdown(concurrent::ShutdownOptions) override {}
    std::atomic<int> alive = 0;
    int left_over = -1;
  };
  RunsAtOnce executor;
  const auto call = [owned = OnlyCopied(executor.alive)] {};
  executor.submit(call).result();
  EXPECT_EQ(executor.left_over, 1) << "only the test's own is left when the future is done";
}

TEST(Step5_Submit, WhatIsDroppedUnrunIsCancelledAndDestroyed) {
  std::atomic<int> alive = 0;
  std::optional<ManualExecutor> executor(std::in_place);
  int left_over = -1;
  Future<void> future = executor->submit(Owner(alive));
  future.add_done_callback([&](auto) { left_over = alive; });
  std::string got;
  std::thread reader([&] { got = outcome_at_last(future); });
  course::wait_until_others_block();
  executor.reset();
  reader.join();  // hangs if the dropped job does not tell its future
  EXPECT_EQ(got, "cancelled");
  EXPECT_EQ(left_over, 0) << "the call is destroyed first, as after a run";
}

TEST(Step5_Submit, ShutdownCancelsTheFuturesThatHaveNotBegun) {  // CF-42
  std::atomic<int> ran = 0;
  Gate gate;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  const Future<int> running = pool.submit(IntCall([&] {
    gate.pass();
    return ++ran;
  }));
  gate.wait_until_entered();
  std::vector<Future<int>> queued;
  for (int i = 0; i < 10; ++i) queued.push_back(pool.submit(IntCall([&] { return ++ran; })));
  std::string got;
  std::thread reader([&] { got = outcome_at_last(queued.back()); });
  pool.shutdown({.wait = false, .cancel_futures = true});
  reader.join();
  EXPECT_EQ(got, "cancelled");
  for (const auto& future : queued) EXPECT_EQ(outcome(future), "cancelled");
  EXPECT_TRUE(running.running());
  gate.open();
  pool.shutdown();
  EXPECT_EQ(outcome(running), "1") << "the call that had begun finishes";
  EXPECT_EQ(ran, 1);
}

TEST(Step5_Submit, SubmitAfterShutdownThrows) {  // CF-39
  std::atomic<int> alive = 0;
  ThreadPoolExecutor pool{{.max_workers = 1}};
  const Future<int> future = pool.submit(add, 40, 2);
  pool.shutdown();
  EXPECT_THROW(pool.submit(Owner(alive)), concurrent::ExecutorShutdown);
  EXPECT_EQ(alive, 0) << "a call that is refused is destroyed";
  EXPECT_EQ(outcome(future), "42") << "results stay when the executor goes";
}

TEST(Step5_Submit, FuturesOfABrokenPoolTellThatItBroke) {  // CF-14, CF-38
  std::latch fail(1);
  ThreadPoolExecutor pool{{.max_workers = 1, .initializer = [&] {
                             fail.wait();
                             throw std::runtime_error("no stove");
                           }}};
  pool.set_exception_handler([](auto) {});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(pool.submit(add, i, i));
  fail.count_down();
  for (const auto& future : futures) EXPECT_EQ(outcome_at_last(future), "broken pool");
  EXPECT_THROW(futures[0].result(), concurrent::BrokenExecutor);
  EXPECT_THROW(pool.submit(add, 1, 1), concurrent::BrokenThreadPool);
}

TEST(Step5_Submit, ACallMaySubmitCalls) {
  std::vector<int> order;
  ManualExecutor executor;
  std::optional<Future<int>> inner;
  const Future<int> outer = executor.submit(IntCall([&] {
    order.push_back(1);
    inner = executor.submit(IntCall([&] {
      order.push_back(2);
      return 2;
    }));
    return 1;
  }));
  EXPECT_EQ(executor.run_all(), 2u);
  EXPECT_EQ(outer.result(0s) + inner->result(0s), 3);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Step5_Submit, ACallThatIsCancelledOrDroppedEndsOnce) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran = 0, told = 0;
    ThreadPoolExecutor pool{{.max_workers = 1}};
    std::vector<Future<void>> futures;
    for (int i = 0; i < 10; ++i) {
      futures.push_back(pool.submit(Call([&] { ++ran; })));
      futures.back().add_done_callback([&](auto) { ++told; });
    }
    std::jthread canceller([&] {
      for (auto& future : futures) future.cancel();
    });
    pool.shutdown({.wait = true, .cancel_futures = true});
    canceller.join();
    const auto finished = std::ranges::count(futures, FutureState::finished, &Future<void>::state);
    ASSERT_EQ(finished, ran);
    ASSERT_EQ(told, 10);
    ASSERT_EQ(std::ranges::count(futures, FutureState::cancelled, &Future<void>::state), 10 - finished);
  }
}
