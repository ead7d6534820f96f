// Chapter 09, step 7: a loop that runs until a future is done.

#include "support.hpp"

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

TEST(Step7_RunUntilComplete, ItGivesTheResultOrThrows) {  // AIO-09, AIO-32
  VirtualLoop v;
  int number = 1;
  const auto reference = [&]() -> Coro<int&> { co_return number; };
  const auto ticket = []() -> Coro<Ticket> { co_return Ticket(5); };
  EXPECT_EQ(v.loop.run_until_complete(give(7)), 7);
  EXPECT_EQ(&v.loop.run_until_complete(reference()), &number);
  EXPECT_EQ(*v.loop.run_until_complete(ticket()).number, 5);
  EXPECT_EQ(error_of([&] { v.loop.run_until_complete(fail("no")); }), "no");
  const auto cancelled = []() -> Coro<> {
    current_task()->cancel();
    co_await sleep(0s);
  };
  EXPECT_EQ(error_of([&] { v.loop.run_until_complete(cancelled()); }), "cancelled");
  EXPECT_FALSE(v.loop.is_running());
  EXPECT_EQ(all_tasks(v.loop).size(), 0u);
}

TEST(Step7_RunUntilComplete, ItTakesWhateverCanBeAwaited) {  // AIO-09
  VirtualLoop v;
  v.loop.run_until_complete(sleep(2s));
  EXPECT_EQ(v.time(), 2s);
  EXPECT_EQ(v.loop.run_until_complete(sleep(1h, 7)), 7);
  EXPECT_EQ(v.time(), 1h + 2s);
  Future<std::string> future = v.loop.create_future<std::string>();
  v.loop.call_later(1s, [&] { future.set_result("a text that is too long to lie in the string"); });
  EXPECT_EQ(v.loop.run_until_complete(future), "a text that is too long to lie in the string");
  EXPECT_EQ(future.result(), v.loop.run_until_complete(future)) << "it may be done, and keeps its result";
  const Task<int> task = v.loop.create_task(give(8));
  EXPECT_EQ(v.loop.run_until_complete(task), 8);
}

TEST(Step7_RunUntilComplete, OthersRunMeanwhileAndStayPending) {  // AIO-09
  VirtualLoop v;
  std::vector<Duration> woken;
  const auto body = [&]() -> Coro<> {
    for (;;) {
      co_await sleep(1s);
      woken.push_back(v.time());
    }
  };
  const Task<> task = v.loop.create_task(body());
  v.loop.run_until_complete(sleep(2500ms));
  EXPECT_EQ(woken, (std::vector<Duration>{1s, 2s}));
  EXPECT_FALSE(task.done());
  v.loop.run_until_complete(sleep(1s));
  EXPECT_EQ(woken, (std::vector<Duration>{1s, 2s, 3s}));
}

TEST(Step7_RunUntilComplete, ALoopThatIsStoppedBeforeSaysSo) {  // AIO-09
  VirtualLoop v;
  const Task<int> task = v.loop.create_task(sleep(2s, 7));
  v.loop.call_later(1s, [&] { v.loop.stop(); });
  EXPECT_EQ(error_of([&] { v.loop.run_until_complete(task); }),
            "Event loop stopped before Future completed.");
  EXPECT_EQ(v.time(), 1s);
  EXPECT_FALSE(task.done());
  EXPECT_EQ(v.loop.run_until_complete(task), 7);
  EXPECT_EQ(v.time(), 2s);
}

TEST(Step7_RunUntilComplete, ItsCallbackIsGoneWhenItEnds) {  // AIO-10
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  v.loop.stop();
  EXPECT_THROW(v.loop.run_until_complete(future), std::runtime_error);
  v.loop.call_soon([&] { future.set_result(1); });
  v.loop.call_later(1s, [&] { v.loop.stop(); });
  v.loop.run_forever();
  EXPECT_EQ(v.time(), 1s) << "a callback that was left behind has stopped this run";
}

TEST(Step7_RunUntilComplete, ItsCallbackIsGoneEvenIfItWasReady) {  // AIO-10
  VirtualLoop v;
  const auto body = [&]() -> Coro<int> {
    v.loop.stop();  // and the pass ends with the task
    co_return 7;
  };
  EXPECT_EQ(v.loop.run_until_complete(body()), 7);
  v.loop.call_later(1s, [&] { v.loop.stop(); });
  v.loop.run_forever();
  EXPECT_EQ(v.time(), 1s) << "a callback that was left behind has stopped this run";
}

TEST(Step7_RunUntilComplete, AFutureOfAnotherLoopIsRefused) {  // AIO-10
  VirtualLoop v, other;
  const Future<int> theirs = other.loop.create_future<int>();
  const Task<int> task = other.loop.create_task(give(1));
  EXPECT_THROW(v.loop.run_until_complete(theirs), std::invalid_argument);
  EXPECT_THROW(v.loop.run_until_complete(task), std::invalid_argument);
  EXPECT_EQ(other.loop.run_until_complete(task), 1);
}

TEST(Step7_RunUntilComplete, ALoopThatCannotRunIsNotBegunWith) {  // AIO-09, AIO-11
  VirtualLoop v, other;
  std::atomic<int> alive = 0;
  const auto body = [&](Counted counted) -> Coro<> {
    v.note("begins");
    co_return;
  };
  const auto nested = [&]() -> Coro<> {
    v.note(error_of([&] { v.loop.run_until_complete(body(Counted(alive))); }));
    v.note(error_of([&] { other.loop.run_until_complete(body(Counted(alive))); }));
    co_return;
  };
  v.loop.run_until_complete(nested());
  v.loop.close();
  v.note(error_of([&] { v.loop.run_until_complete(body(Counted(alive))); }));
  EXPECT_EQ(v.log,
            (Log{"0 This event loop is already running",
                 "0 Cannot run the event loop while another loop is running", "0 Event loop is closed"}));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(all_tasks(other.loop).size(), 0u);
}

TEST(Step7_RunUntilComplete, CallbacksThatCameBeforeRunBeforeItEnds) {  // AIO-26
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  future.add_done_callback([&](const Future<int>&) { v.note("callback"); });
  v.loop.call_soon([&] { future.set_result(7); });
  EXPECT_EQ(v.loop.run_until_complete(future), 7);
  EXPECT_EQ(v.log, Log{"0 callback"});
}

TEST(Step7_RunUntilComplete, TheyRunAlsoIfTheFutureWasDoneBefore) {  // AIO-26
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  future.add_done_callback([&](const Future<int>&) { v.note("callback"); });
  future.set_result(7);
  EXPECT_EQ(v.loop.run_until_complete(future), 7);
  EXPECT_EQ(v.log, Log{"0 callback"}) << "the loop runs, for one pass";
}

TEST(Step7_RunUntilComplete, OfARunThatIsStoppedAtItsEndTheyRunInTheNext) {  // AIO-10, AIO-26
  VirtualLoop v;
  const auto body = [&]() -> Coro<int> {
    v.loop.stop();  // and the pass ends with the task
    co_return 7;
  };
  Task<int> task = v.loop.create_task(body());
  task.add_done_callback([&](const Future<int>&) { v.note("callback"); });
  EXPECT_EQ(v.loop.run_until_complete(task), 7);
  v.loop.run_until_complete(sleep(0s));
  EXPECT_EQ(v.log, Log{"0 callback"}) << "they run a pass after its end, and it had no more";
}

TEST(Step7_RunUntilComplete, RunsThatAreStoppedLeaveNothingWithTheFuture) {
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  const auto stopped_runs = [&](int count) {
    for (int i = 0; i < count; ++i) {
      v.loop.stop();
      EXPECT_THROW(v.loop.run_until_complete(future), std::runtime_error);
    }
  };
  stopped_runs(10);
  const std::size_t allocations = course::allocations();
  const std::size_t deallocations = course::deallocations();
  stopped_runs(10'000);
  const std::size_t kept = (course::allocations() - allocations) - (course::deallocations() - deallocations);
  EXPECT_LT(kept, 10u) << "each run takes its callback back";
}

namespace {

/// A selector that fails when it is told to.
class FailingSelector final : public asyncio::Selector {
 public:
  void select(std::optional<Duration> timeout) override {
    if (std::exchange(fails, false)) throw std::runtime_error("no more");
    clock_.select(timeout);
  }
  void wake() override { clock_.wake(); }
  TimePoint now() override { return clock_.now(); }

  bool fails = false;

 private:
  VirtualTimeSelector clock_;
};

}  // namespace

TEST(Step7_RunUntilComplete, ARunThatThrowsLeavesNothingThatEndsTheNext) {
  auto selector = std::make_unique<FailingSelector>();
  FailingSelector& failing = *selector;
  EventLoop loop(std::move(selector));
  Future<int> first = loop.create_future<int>();
  failing.fails = true;
  EXPECT_EQ(error_of([&] { loop.run_until_complete(first); }), "no more");
  first.set_result(1);
  Future<int> second = loop.create_future<int>();
  loop.call_later(1s, [&] { second.set_result(2); });
  EXPECT_EQ(loop.run_until_complete(second), 2);
}
