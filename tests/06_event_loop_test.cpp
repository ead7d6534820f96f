#include "event_loop.hpp"
#include "pitfall_hasty_queue.hpp"
#include "virtual_time_selector.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <latch>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing.hpp"

using asyncio::Duration;
using asyncio::EventLoop;
using asyncio::ExceptionContext;
using asyncio::Handle;
using asyncio::NodePool;
using asyncio::Operation;
using asyncio::ReadyQueue;
using asyncio::Selector;
using asyncio::SleepSelector;
using asyncio::TimePoint;
using asyncio::Timer;
using asyncio::TimerHandle;
using asyncio::TimerHeap;
using asyncio::VirtualTimeSelector;
using course::Counted;
using course::what;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

namespace {

/// A loop whose clock jumps, and that clock.
struct VirtualLoop {
  VirtualTimeSelector& clock;
  EventLoop loop;

  VirtualLoop() : VirtualLoop(std::make_unique<VirtualTimeSelector>()) {}
  explicit VirtualLoop(std::unique_ptr<VirtualTimeSelector> selector)
      : clock(*selector), loop(std::move(selector)) {}

  /// Runs for one pass.
  void run_once() {
    loop.stop();
    loop.run_forever();
  }
  /// The time on the loop's clock, which began at 0.
  Duration time() const { return loop.time().time_since_epoch(); }
};

/// A selector that remembers what it was asked. Its time is virtual.
class RecordingSelector final : public Selector {
 public:
  void select(std::optional<Duration> timeout) override {
    timeouts.push_back(timeout);
    if (!timeout && instead_of_sleeping) return instead_of_sleeping();
    clock.select(timeout);
  }
  void wake() override {
    ++wakes;
    clock.wake();
  }
  TimePoint now() override { return clock.now(); }

  std::vector<std::optional<Duration>> timeouts;
  std::function<void()> instead_of_sleeping;  // for as long as it takes
  std::atomic<int> wakes = 0;
  VirtualTimeSelector clock;
};

struct RecordedLoop {
  RecordingSelector& selector;
  EventLoop loop;

  RecordedLoop() : RecordedLoop(std::make_unique<RecordingSelector>()) {}
  explicit RecordedLoop(std::unique_ptr<RecordingSelector> recording)
      : selector(*recording), loop(std::move(recording)) {}
};

/// Something scheduled that logs its name.
class Named final : public Operation {
 public:
  Named(Log& log, char name, int& alive)
      : Operation(asyncio::RefCount::local), log_(log), name_(name), alive_(alive) {
    ++alive_;
  }
  void run() override {
    log_.push_back(std::string(1, name_));
    --alive_;
  }
  void drop() noexcept override { --alive_; }
  const std::type_info& type() const noexcept override { return typeid(Named); }

 private:
  Log& log_;
  char name_;
  int& alive_;
};

/// Makes nodes, and runs what comes out of a queue.
struct Nodes {
  const NodePool::Owner pool = NodePool::create();
  Log log;
  int alive = 0;

  Named& make(char name) { return pool->make<Named>(log, name, alive); }
  void run_all(ReadyQueue& queue) {
    while (Operation* node = queue.pop()) {
      node->run();
      NodePool::release(*node);
    }
  }
};

class TestTimer final : public Timer {
 public:
  TestTimer(TimePoint when, int number) : Timer(when), number(number) {}
  void run() override {}
  void drop() noexcept override {}
  const std::type_info& type() const noexcept override { return typeid(TestTimer); }

  const int number;
};

TimePoint at(Duration time) { return TimePoint(time); }

/// The timers that come out of `heap`, by number.
std::vector<int> numbers_of(TimerHeap& heap) {
  std::vector<int> numbers;
  while (!heap.empty()) {
    Timer& timer = heap.pop();
    numbers.push_back(static_cast<TestTimer&>(timer).number);
    NodePool::release(timer);
  }
  return numbers;
}

/// What `fn` throws, as text.
template <class F>
std::string error_of(F fn) {
  try {
    fn();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing";
}

/// What is written to stderr while `fn` runs.
template <class F>
std::string stderr_of(F fn) {
  testing::internal::CaptureStderr();
  fn();
  return testing::internal::GetCapturedStderr();
}

void nothing() {}

}  // namespace

// Step 1: what is ready.

TEST(Step1_ReadyQueue, NodesComeOutInTheOrderInWhichTheyWentIn) {
  Nodes nodes;
  ReadyQueue queue;
  for (const char name : {'a', 'b', 'c'}) queue.push(nodes.make(name));
  EXPECT_FALSE(queue.empty());
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c"}));
}

TEST(Step1_ReadyQueue, AnEmptyQueueGivesNullAndStaysUsable) {
  Nodes nodes;
  ReadyQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop(), nullptr);
  for (int round = 0; round < 3; ++round) {
    queue.push(nodes.make('a'));
    queue.push(nodes.make('b'));
    nodes.run_all(queue);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.pop(), nullptr);
  }
  EXPECT_EQ(nodes.log, (Log{"a", "b", "a", "b", "a", "b"}));
}

TEST(Step1_ReadyQueue, PushAndPopMayAlternate) {
  Nodes nodes;
  ReadyQueue queue;
  queue.push(nodes.make('0'));
  for (const char name : {'1', '2', '3', '4', '5'}) {
    queue.push(nodes.make(name));
    Operation* node = queue.pop();
    node->run();
    NodePool::release(*node);
  }
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"0", "1", "2", "3", "4", "5"}));
}

TEST(Step1_ReadyQueue, AppendMovesAllNodesToTheEnd) {
  Nodes nodes;
  ReadyQueue queue;
  ReadyQueue other;
  queue.push(nodes.make('a'));
  other.push(nodes.make('b'));
  other.push(nodes.make('c'));
  queue.append(std::move(other));
  EXPECT_TRUE(other.empty());
  queue.push(nodes.make('d'));
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c", "d"}));
}

TEST(Step1_ReadyQueue, EitherMayBeEmptyWhenOneIsAppended) {
  Nodes nodes;
  ReadyQueue queue;
  ReadyQueue other;
  queue.append(std::move(other));
  EXPECT_TRUE(queue.empty());
  other.push(nodes.make('a'));
  queue.append(std::move(other));
  queue.append(ReadyQueue());
  queue.push(nodes.make('b'));
  other.push(nodes.make('c'));
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b"}));
  nodes.run_all(other);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c"}));
}

TEST(Step1_ReadyQueue, ANodeThatWasTakenOutMayGoIntoAnotherQueue) {
  Nodes nodes;
  ReadyQueue queue;
  ReadyQueue other;
  for (const char name : {'a', 'b', 'c'}) queue.push(nodes.make(name));
  other.push(*queue.pop());
  nodes.run_all(other);
  EXPECT_EQ(nodes.log, Log{"a"}) << "nothing follows what was pushed last";
  nodes.run_all(queue);
  EXPECT_EQ(nodes.log, (Log{"a", "b", "c"}));
}

TEST(Step1_ReadyQueue, NoneOfItAllocates) {
  Nodes nodes;
  Named& a = nodes.make('a');
  Named& b = nodes.make('b');
  ReadyQueue queue;
  EXPECT_EQ(course::allocations_in([&] {
              ReadyQueue other;
              queue.push(a);
              other.push(b);
              queue.append(std::move(other));
              EXPECT_EQ(queue.pop(), &a);
              EXPECT_EQ(queue.pop(), &b);
            }),
            0u);
  NodePool::release(a);
  NodePool::release(b);
}

TEST(Step1_ReadyQueue, TheEndOfAQueueIsTheEndOfItsNodes) {
  Nodes nodes;
  {
    ReadyQueue queue;
    queue.push(nodes.make('a'));
    queue.push(nodes.make('b'));
    EXPECT_EQ(nodes.alive, 2);
  }
  EXPECT_EQ(nodes.alive, 0);
  EXPECT_EQ(nodes.log, Log());
}

// Step 2: a loop that runs.

TEST(Step2_RunForever, CallbacksRunOnceInOrder) {  // AIO-01
  VirtualLoop v;
  Log log;
  for (const char* name : {"a", "b", "c"}) v.loop.call_soon([&log, name] { log.push_back(name); });
  EXPECT_EQ(log, Log()) << "call_soon() itself calls nothing";
  v.loop.call_soon([&] { v.loop.stop(); });
  v.loop.run_forever();
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
  v.run_once();
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

TEST(Step2_RunForever, ArgumentsAreHandedOn) {  // AIO-01
  VirtualLoop v;
  std::string seen;
  int counter = 0;
  std::string text = "copied";
  v.loop.call_soon([&](int number, std::string word) { seen = std::to_string(number) + " " + word; }, 3,
                   text);
  text = "changed";
  v.loop.call_soon([](int& number) { ++number; }, std::ref(counter));
  v.loop.call_soon([&](std::unique_ptr<int> number) { counter += *number; }, std::make_unique<int>(10));
  struct Pair {
    int sum = 0;
    void add(int number) { sum += number; }
  } pair;
  v.loop.call_soon(&Pair::add, &pair, 5);
  v.run_once();
  EXPECT_EQ(seen, "3 copied");
  EXPECT_EQ(counter, 11);
  EXPECT_EQ(pair.sum, 5);
}

TEST(Step2_RunForever, WhatACallbackSchedulesRunsInTheNextPass) {  // AIO-02, AIO-08
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] {
    log.push_back("a");
    v.loop.call_soon([&] { log.push_back("c"); });
  });
  v.loop.call_soon([&] { log.push_back("b"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"a", "b"}));
  v.run_once();
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

TEST(Step2_RunForever, StopFinishesThePass) {  // AIO-08
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] { v.loop.stop(); });
  v.loop.call_soon([&] {
    log.push_back("a");
    v.loop.call_soon([&] { log.push_back("c"); });
  });
  v.loop.call_soon([&] { log.push_back("b"); });
  v.loop.run_forever();
  EXPECT_EQ(log, (Log{"a", "b"})) << "the rest of the pass runs, and what it schedules is kept";
  v.loop.call_soon([&] { v.loop.stop(); });
  v.loop.run_forever();
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

TEST(Step2_RunForever, ALoopThatWasStoppedBeforeRunsForOnePass) {  // AIO-08
  VirtualLoop v;
  int calls = 0;
  const std::function<void()> again = [&] {
    if (++calls < 10) v.loop.call_soon(again);
  };
  v.loop.call_soon(again);
  v.loop.stop();
  v.loop.run_forever();
  EXPECT_EQ(calls, 1);
}

TEST(Step2_RunForever, StopCountsForOneRun) {
  VirtualLoop v;
  int calls = 0;
  v.loop.call_soon([&] { v.loop.stop(); });
  v.loop.run_forever();
  const std::function<void()> again = [&] {
    if (++calls == 3) return v.loop.stop();
    v.loop.call_soon(again);
  };
  v.loop.call_soon(again);
  v.loop.run_forever();
  EXPECT_EQ(calls, 3) << "the loop was stopped before the last pass";
}

TEST(Step2_RunForever, TheLoopKnowsWhetherItRuns) {
  VirtualLoop v;
  EXPECT_FALSE(v.loop.is_running());
  bool running = false;
  v.loop.call_soon([&] { running = v.loop.is_running(); });
  v.run_once();
  EXPECT_TRUE(running);
  EXPECT_FALSE(v.loop.is_running());
}

TEST(Step2_RunForever, AThousandPassesRunAThousandLinksOfAChain) {
  VirtualLoop v;
  int left = 1'000;
  const std::function<void()> link = [&] {
    if (--left == 0) return v.loop.stop();
    v.loop.call_soon(std::ref(link));
  };
  v.loop.call_soon(std::ref(link));
  v.loop.run_forever();
  EXPECT_EQ(left, 0);
}

TEST(Step2_RunForever, ACancelledCallbackDoesNotRun) {  // AIO-06
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] { log.push_back("a"); });
  Handle handle = v.loop.call_soon([&] { log.push_back("b"); });
  v.loop.call_soon([&] { log.push_back("c"); });
  EXPECT_TRUE(handle);
  EXPECT_FALSE(handle.cancelled());
  handle.cancel();
  EXPECT_TRUE(handle.cancelled());
  v.run_once();
  EXPECT_EQ(log, (Log{"a", "c"}));
}

TEST(Step2_RunForever, ACallbackMayCancelAnotherOfThePassThatRuns) {  // AIO-06
  VirtualLoop v;
  Log log;
  Handle second;
  v.loop.call_soon([&] { second.cancel(); });
  second = v.loop.call_soon([&] { log.push_back("second"); });
  v.run_once();
  EXPECT_EQ(log, Log());
}

TEST(Step2_RunForever, CancelDestroysTheCallbackAtOnce) {  // AIO-06
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Handle handle = v.loop.call_soon([counted = Counted(alive)] {});
  EXPECT_EQ(alive, 1);
  handle.cancel();
  EXPECT_EQ(alive, 0);
  handle.cancel();
  EXPECT_TRUE(handle.cancelled());
  v.run_once();
}

TEST(Step2_RunForever, ACallbackMayCancelItself) {  // AIO-06
  VirtualLoop v;
  std::string seen;
  Handle handle;
  handle = v.loop.call_soon([&, text = std::string("a text that is too long to lie in the string")] {
    handle.cancel();
    seen = text;
  });
  v.run_once();
  EXPECT_EQ(seen, "a text that is too long to lie in the string");
  EXPECT_TRUE(handle.cancelled());
}

TEST(Step2_RunForever, CancellingWhatHasRunDoesNothing) {  // AIO-06
  VirtualLoop v;
  int calls = 0;
  Handle handle = v.loop.call_soon([&] { ++calls; });
  v.run_once();
  handle.cancel();
  v.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step2_RunForever, ACallbackIsDestroyedBeforeTheNextRuns) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  int seen = -1;
  const Handle handle = v.loop.call_soon([counted = Counted(alive)] {});
  v.loop.call_soon([&] { seen = alive; });
  v.run_once();
  EXPECT_EQ(seen, 0) << "also if somebody has its handle";
}

TEST(Step2_RunForever, HandlesAreCopiedLikePointersAndCancelNothingAtTheirEnd) {
  VirtualLoop v;
  int calls = 0;
  {
    const Handle handle = v.loop.call_soon([&] { ++calls; });
    const Handle copy = handle;
    EXPECT_FALSE(copy.cancelled());
  }
  v.run_once();
  EXPECT_EQ(calls, 1);
  Handle handle = v.loop.call_soon([&] { ++calls; });
  Handle copy = handle;
  copy.cancel();
  EXPECT_TRUE(handle.cancelled());
  handle = Handle();
  EXPECT_FALSE(handle);
  handle.cancel();
  EXPECT_FALSE(handle.cancelled());
  v.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step2_RunForever, AHandleMayOutliveItsLoop) {
  std::atomic<int> alive = 0;
  Handle ran, waiting;
  {
    VirtualLoop v;
    ran = v.loop.call_soon(nothing);
    v.run_once();
    waiting = v.loop.call_soon([counted = Counted(alive)] {});
  }
  EXPECT_EQ(alive, 0);
  waiting.cancel();
  EXPECT_TRUE(waiting.cancelled());
  EXPECT_FALSE(ran.cancelled());
}

TEST(Step2_RunForever, ASmallCallbackCostsNoAllocationInSteadyState) {
  VirtualLoop v;
  int calls = 0;
  const auto batch = [&] {
    for (int i = 0; i < 100; ++i) v.loop.call_soon([&calls, i] { calls += i; });
    v.run_once();
  };
  batch();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 10; ++i) batch();
            }),
            NodePool::recycles ? 0u : 1'000u);
  EXPECT_EQ(calls, 11 * 4950);
}

TEST(Step2_RunForever, ALargeCallbackRunsTooAndTheNextOneIsIntact) {
  VirtualLoop v;
  std::array<int, 1000> numbers{};
  numbers.back() = 7;
  int seen = 0;
  for (int round = 0; round < 3; ++round) {
    v.loop.call_soon([&, numbers] { seen += numbers.back(); });
    v.loop.call_soon([&] { ++seen; });
    v.run_once();
  }
  EXPECT_EQ(seen, 24);
}

TEST(Step2_RunForever, ABusyLoopLooksAtItsSelectorNowAndThen) {  // AIO-05
  RecordedLoop r;
  int left = 6'400;
  const std::function<void()> link = [&] {
    if (--left == 0) return r.loop.stop();
    r.loop.call_soon(std::ref(link));
  };
  r.loop.call_soon(std::ref(link));
  r.loop.run_forever();
  EXPECT_GE(r.selector.timeouts.size(), 99u) << "every 64 callbacks";
  EXPECT_LE(r.selector.timeouts.size(), 100u) << "every 64 callbacks";
  for (const auto& timeout : r.selector.timeouts) EXPECT_EQ(timeout, 0s);
}

// Step 3: what is due at a time.

TEST(Step3_Timers, TheHeapGivesTheEarliestFirst) {
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::mt19937 random(1);
  std::vector<int> numbers(300);
  for (int i = 0; i < 300; ++i) numbers[static_cast<std::size_t>(i)] = i;
  const std::vector<int> sorted = numbers;
  std::ranges::shuffle(numbers, random);
  for (const int number : numbers) heap.push(pool->make<TestTimer>(at(number * 1s), number));
  EXPECT_EQ(heap.size(), 300u);
  EXPECT_EQ(heap.next().time_since_epoch(), 0s);
  const std::vector<int> came = numbers_of(heap);
  ASSERT_EQ(came.size(), sorted.size());
  const auto [wrong, right] = std::ranges::mismatch(came, sorted);
  EXPECT_TRUE(wrong == came.end()) << "timer " << *wrong << " comes out when it is the turn of " << *right;
}

TEST(Step3_Timers, TheHeapStaysInOrderWhilePushAndPopAlternate) {
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::mt19937 random(1);
  std::multiset<Duration> expected;
  for (int i = 0; i < 2'000; ++i) {
    if (random() % 3 != 0 || heap.empty()) {
      const Duration time(random() % 1'000);
      heap.push(pool->make<TestTimer>(at(time), i));
      expected.insert(time);
    } else {
      Timer& timer = heap.pop();
      ASSERT_EQ(timer.when().time_since_epoch(), *expected.begin());
      expected.erase(expected.begin());
      NodePool::release(timer);
    }
  }
}

TEST(Step3_Timers, EqualTimesAreFirstComeFirstServed) {  // AIO-04
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::vector<int> expected;
  for (int i = 0; i < 50; ++i) heap.push(pool->make<TestTimer>(at(i % 2 == 0 ? 1s : 2s), i));
  for (int i = 0; i < 50; i += 2) expected.push_back(i);
  for (int i = 1; i < 50; i += 2) expected.push_back(i);
  EXPECT_EQ(numbers_of(heap), expected);
}

TEST(Step3_Timers, OnlyWhatIsDueRuns) {  // AIO-03
  VirtualLoop v;
  Log log;
  v.loop.call_later(2s, [&] { log.push_back("2"); });
  v.loop.call_later(
      1s, [&](std::string text) { log.push_back(text); }, "1");
  v.loop.call_at(v.loop.time() + 3s, [&] { log.push_back("3"); });
  v.clock.advance(1s - 1ns);
  v.run_once();
  EXPECT_EQ(log, Log()) << "a nanosecond before its time is too early";
  v.clock.advance(1ns);
  v.run_once();
  EXPECT_EQ(log, Log{"1"}) << "what is due at this very time runs";
  v.clock.advance(1h);
  v.run_once();
  EXPECT_EQ(log, (Log{"1", "2", "3"}));
  v.run_once();
  EXPECT_EQ(log, (Log{"1", "2", "3"}));
}

TEST(Step3_Timers, AmongManyNoneIsEarly) {  // AIO-03
  VirtualLoop v;
  int ran = 0;
  for (int i = 1; i <= 100; ++i) v.loop.call_later(i * 1s, [&] { ++ran; });
  for (int i = 1; i <= 100; ++i) {
    v.clock.advance(1s - 1ns);
    v.run_once();
    ASSERT_EQ(ran, i - 1) << "a nanosecond before its time is too early";
    v.clock.advance(1ns);
    v.run_once();
    ASSERT_EQ(ran, i);
  }
}

TEST(Step3_Timers, ManyThatAreDueAtOnceRunInOrder) {  // AIO-03, AIO-04
  VirtualLoop v;
  std::mt19937 random(1);
  std::vector<std::pair<int, int>> ran, expected;
  for (int i = 0; i < 1'000; ++i) {
    const int second = static_cast<int>(random() % 100);
    v.loop.call_later(second * 1s, [&, second, i] { ran.emplace_back(second, i); });
    expected.emplace_back(second, i);
  }
  std::ranges::sort(expected);
  v.clock.advance(49s);
  v.run_once();
  const auto due = static_cast<std::size_t>(
      std::ranges::count_if(expected, [](const auto& each) { return each.first <= 49; }));
  EXPECT_EQ(ran, std::vector(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(due)));
  v.clock.advance(50s);
  v.run_once();
  EXPECT_EQ(ran, expected);
}

TEST(Step3_Timers, NegativeDelaysRunInTheNextPassInTheOrderOfTheirTimes) {  // AIO-03
  VirtualLoop v;
  Log log;
  v.loop.call_later(0s, [&] { log.push_back("0"); });
  v.loop.call_later(-1s, [&] { log.push_back("-1"); });
  v.loop.call_later(-2s, [&] { log.push_back("-2"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"-2", "-1", "0"}));
}

TEST(Step3_Timers, WhatIsReadyRunsBeforeWhatIsDue) {  // AIO-02
  VirtualLoop v;
  Log log;
  v.loop.call_later(-1s, [&] { log.push_back("due"); });
  v.loop.call_soon([&] { log.push_back("ready"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"ready", "due"}));
}

TEST(Step3_Timers, TimersJoinEveryPassNotOnlyIdleOnes) {  // AIO-02
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] {
    v.loop.call_later(0s, [&] { log.push_back("due"); });
    v.loop.call_soon([&] {
      log.push_back("ready");
      v.loop.call_soon([&] { log.push_back("later"); });
    });
  });
  for (int i = 0; i < 3; ++i) v.run_once();
  EXPECT_EQ(log, (Log{"ready", "due", "later"}));
}

TEST(Step3_Timers, AHandleSaysWhenItIsDue) {  // AIO-03
  VirtualLoop v;
  v.clock.advance(10s);
  const TimerHandle later = v.loop.call_later(1500ms, nothing);
  const TimerHandle at_time = v.loop.call_at(at(7s), nothing);
  EXPECT_EQ(later.when(), at(11500ms));
  EXPECT_EQ(at_time.when(), at(7s));
  EXPECT_EQ(v.loop.call_later(std::chrono::duration<double>(0.25), nothing).when(), at(10250ms));
}

TEST(Step3_Timers, DelaysBeyondTheClockEndWhereItEnds) {
  VirtualLoop v;
  v.clock.advance(1h);
  EXPECT_EQ(v.loop.call_later(std::chrono::hours::max(), nothing).when(), TimePoint::max());
  EXPECT_EQ(v.loop.call_later(std::chrono::hours::min(), nothing).when(), TimePoint::min());
  EXPECT_EQ(v.loop.call_later(std::chrono::duration<double>(INFINITY), nothing).when(), TimePoint::max());
  EXPECT_THROW(v.loop.call_later(std::chrono::duration<double>(NAN), nothing), std::invalid_argument);
}

TEST(Step3_Timers, ACancelledTimerDoesNotRunAndItsCallbackIsDestroyedAtOnce) {  // AIO-06
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Log log;
  TimerHandle handle = v.loop.call_later(1s, [&, counted = Counted(alive)] { log.push_back("cancelled"); });
  v.loop.call_later(1s, [&] { log.push_back("other"); });
  handle.cancel();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(handle.cancelled());
  handle.cancel();
  v.clock.advance(2s);
  v.run_once();
  EXPECT_EQ(log, Log{"other"});
  handle.cancel();
  v.run_once();
}

TEST(Step3_Timers, ADueTimerMayBeCancelledByAnotherOfThePass) {  // AIO-06
  VirtualLoop v;
  Log log;
  TimerHandle second;
  v.loop.call_later(1s, [&] { second.cancel(); });
  second = v.loop.call_later(2s, [&] { log.push_back("second"); });
  v.clock.advance(3s);
  v.run_once();
  EXPECT_EQ(log, Log());
}

TEST(Step3_Timers, CancelledTimersInFrontAreDropped) {  // AIO-07
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  std::vector<TestTimer*> timers;
  for (int i = 0; i < 10; ++i) {
    timers.push_back(&pool->make<TestTimer>(at(i * 1s), i));
    heap.push(*timers.back());
  }
  for (int i : {0, 1, 2, 5}) timers[static_cast<std::size_t>(i)]->cancel();
  heap.drop_cancelled();
  EXPECT_EQ(heap.size(), 7u) << "0, 1 and 2 are in front, and 5 is not";
  EXPECT_EQ(heap.next().time_since_epoch(), 3s);
  EXPECT_EQ(numbers_of(heap), (std::vector{3, 4, 5, 6, 7, 8, 9}));
}

TEST(Step3_Timers, AHeapOfCancelledTimersBecomesEmpty) {  // AIO-07
  const NodePool::Owner pool = NodePool::create();
  TimerHeap heap;
  for (int i = 0; i < 10; ++i) {
    TestTimer& timer = pool->make<TestTimer>(at(i * 1s), i);
    heap.push(timer);
    timer.cancel();
  }
  heap.drop_cancelled();
  EXPECT_TRUE(heap.empty());
}

TEST(Step3_Timers, MoreThanHalfOfMoreThanAHundredAreDroppedWhereverTheyAre) {  // AIO-07
  const auto size_after = [](int timers, int cancelled) {
    const NodePool::Owner pool = NodePool::create();
    TimerHeap heap;
    std::vector<TestTimer*> all;
    for (int i = 0; i < timers; ++i) {
      all.push_back(&pool->make<TestTimer>(at(i * 1s), i));
      heap.push(*all.back());
    }
    for (int i = 0; i < cancelled; ++i) all[all.size() - 1 - static_cast<std::size_t>(i)]->cancel();
    heap.drop_cancelled();
    const std::size_t size = heap.size();
    std::vector<int> expected(static_cast<std::size_t>(timers));
    for (int i = 0; i < timers; ++i) expected[static_cast<std::size_t>(i)] = i;
    expected.resize(size);
    EXPECT_EQ(numbers_of(heap), expected);
    return size;
  };
  EXPECT_EQ(size_after(100, 99), 100u) << "a hundred are not more than a hundred";
  EXPECT_EQ(size_after(102, 51), 102u) << "half is not more than half";
  EXPECT_EQ(size_after(102, 52), 50u);
  EXPECT_EQ(size_after(1'000, 900), 100u);
}

TEST(Step3_Timers, SettingAndCancellingTimersAllocatesNothingInSteadyState) {  // AIO-07
  VirtualLoop v;
  v.loop.call_later(1min, nothing);  // first of all: what is cancelled lies behind it
  const auto round = [&] {
    for (int i = 0; i < 100; ++i) v.loop.call_later(1h, nothing).cancel();
    v.run_once();
  };
  for (int i = 0; i < 10; ++i) round();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 1'000; ++i) round();
            }),
            NodePool::recycles ? 0u : 100'000u)
      << "what was cancelled must not stay until it would have been due";
}

TEST(Step3_Timers, TheEndOfALoopDropsAllThatWaits) {  // AIO-12
  std::atomic<int> alive = 0;
  {
    VirtualLoop v;
    v.loop.call_soon([counted = Counted(alive)] {});
    v.loop.call_later(1s, [counted = Counted(alive)] {});
  }
  EXPECT_EQ(alive, 0);
}

// Step 4: sleeping.

TEST(Step4_Sleeping, ALookDoesNotWait) {
  SleepSelector selector;
  for (int i = 0; i < 100; ++i) selector.select(0s);
}

TEST(Step4_Sleeping, SelectWaitsForTheTimeout) {
  SleepSelector selector;
  const TimePoint begin = selector.now();
  selector.select(2ms);
  EXPECT_GE(selector.now() - begin, 2ms);
}

TEST(Step4_Sleeping, AWakeUpBeforeTheSleepCounts) {  // AIO-13
  SleepSelector selector;
  selector.wake();
  selector.select(std::nullopt);
  selector.wake();
  selector.select(24h);
}

TEST(Step4_Sleeping, AWakeUpCountsOnce) {
  SleepSelector selector;
  for (const Duration first : {Duration(0s), Duration(24h)}) {
    selector.wake();
    selector.wake();
    selector.select(first);
    const TimePoint begin = selector.now();
    selector.select(2ms);
    EXPECT_GE(selector.now() - begin, 2ms) << "the wake-up before was not used up";
  }
}

TEST(Step4_Sleeping, AnotherThreadEndsTheSleep) {  // AIO-13
  SleepSelector selector;
  std::jthread sleeper([&] { selector.select(std::nullopt); });
  course::wait_until_others_block();
  selector.wake();
}

TEST(Step4_Sleeping, AnHourOfTimersRunsAtOnceAndEachOnTime) {  // AIO-03
  VirtualLoop v;
  std::vector<Duration> times;
  for (int minute : {60, 5, 30, 1})
    v.loop.call_later(std::chrono::minutes(minute), [&, minute] {
      times.push_back(v.time());
      if (minute == 60) v.loop.stop();
    });
  v.loop.run_forever();
  EXPECT_EQ(times, (std::vector<Duration>{1min, 5min, 30min, 60min}));
}

TEST(Step4_Sleeping, TheTimeoutEndsWithTheNextTimer) {  // AIO-05
  RecordedLoop r;
  r.loop.call_later(3s, [&] { r.loop.stop(); });
  r.loop.call_later(1s, nothing).cancel();
  r.loop.call_later(2s, nothing);
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{2s, 1s}));
}

TEST(Step4_Sleeping, WithoutTimersThereIsNoTimeout) {  // AIO-05
  RecordedLoop r;
  r.selector.instead_of_sleeping = [&] { r.loop.stop(); };
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{std::nullopt}));
}

TEST(Step4_Sleeping, ALoopSleepsForADayAtMost) {  // AIO-05
  RecordedLoop r;
  r.loop.call_later(60h, [&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{24h, 24h, 12h}));
}

TEST(Step4_Sleeping, ALoopThatIsStoppedOrHasWorkDoesNotSleep) {  // AIO-05, AIO-08
  RecordedLoop r;
  r.loop.call_later(1h, nothing);
  r.loop.stop();
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s}));
  r.loop.call_later(-1s, nothing);
  r.loop.call_later(0s, [&] { r.loop.stop(); });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s, 0s}));
}

TEST(Step4_Sleeping, WhatIsDueSinceTheBeginningOfTimeMakesNoSleep) {
  RecordedLoop r;
  r.selector.clock.advance(1h);
  r.loop.call_at(TimePoint::min(), [&] { r.loop.stop(); });
  r.loop.call_at(TimePoint::max(), nothing);
  r.loop.run_forever();
  EXPECT_EQ(r.selector.timeouts, (std::vector<std::optional<Duration>>{0s}))
      << "from the first time of the clock to now is more than a Duration holds: compare before you subtract";
}

TEST(Step4_Sleeping, NoTimerIsEarlyAndNoneMakesTheLoopSpin) {  // AIO-05
  struct Counting final : Selector {
    SleepSelector inner;
    int selects = 0;
    void select(std::optional<Duration> timeout) override {
      ++selects;
      inner.select(timeout);
    }
    void wake() override { inner.wake(); }
    TimePoint now() override { return inner.now(); }
  };
  auto owned = std::make_unique<Counting>();
  Counting& selector = *owned;
  EventLoop loop(std::move(owned));
  int early = 0;
  int ran = 0;
  for (const Duration delay :
       {Duration(10us), Duration(100us), Duration(333us), Duration(1ms), Duration(1)}) {
    const TimePoint due = loop.time() + delay;
    loop.call_at(due, [&, due] {
      early += loop.time() < due;
      if (++ran == 5) loop.stop();
    });
  }
  loop.run_forever();
  EXPECT_EQ(early, 0);
  EXPECT_LE(selector.selects, 20);
}

TEST(Step4_Sleeping, ALoopThatSleepsUsesNoProcessorTime) {
  std::jthread runner([] {
    EventLoop loop;
    loop.call_later(300ms, [&] { loop.stop(); });
    loop.run_forever();
  });
  course::wait_until_others_block();
  EXPECT_LT(course::cpu_time_of_others_while_this_thread_computes(), 10ms);
}

// Step 5: from other threads.

TEST(Step5_Threadsafe, WhatIsPostedJoinsTheSameQueue) {  // AIO-13
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] { log.push_back("a"); });
  std::jthread([&] {
    v.loop.call_soon_threadsafe([&](std::string text) { log.push_back(text); }, "b");
    v.loop.call_soon_threadsafe([&] { log.push_back("c"); });
  }).join();
  v.run_once();
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

TEST(Step5_Threadsafe, TheLoopsOwnThreadMayPostToo) {  // AIO-13
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] {
    v.loop.call_soon_threadsafe([&] { log.push_back("b"); });
    log.push_back("a");
  });
  v.run_once();
  EXPECT_EQ(log, Log{"a"}) << "in the next pass, as call_soon()";
  v.run_once();
  EXPECT_EQ(log, (Log{"a", "b"}));
}

TEST(Step5_Threadsafe, APostWakesALoopThatSleeps) {  // AIO-13
  for (const bool with_timer : {false, true}) {
    EventLoop loop;
    if (with_timer) loop.call_later(24h, nothing);
    std::thread::id where;
    std::jthread runner([&] { loop.run_forever(); });
    course::wait_until_others_block();
    loop.call_soon_threadsafe([&] {
      where = std::this_thread::get_id();
      loop.stop();
    });
    const std::thread::id runner_id = runner.get_id();
    runner.join();
    EXPECT_EQ(where, runner_id);
  }
}

TEST(Step5_Threadsafe, ALoopThatIsAwakeIsNotWoken) {  // AIO-13
  RecordedLoop r;
  for (int i = 0; i < 10; ++i) r.loop.call_soon_threadsafe(nothing);
  EXPECT_EQ(r.selector.wakes, 0);
  r.loop.call_soon([&] {
    for (int i = 0; i < 10; ++i) r.loop.call_soon_threadsafe(nothing);
    r.loop.call_later(1s, [&] {  // it has slept since, and a timer has woken it
      r.loop.call_soon_threadsafe([&] { r.loop.stop(); });
    });
  });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.wakes, 0) << "after its sleep it says wake_up()";
}

TEST(Step5_Threadsafe, ASleepingLoopIsWokenOnce) {  // AIO-13
  RecordedLoop r;
  int calls = 0;
  r.selector.instead_of_sleeping = [&] {
    std::jthread([&] {
      for (int i = 0; i < 10; ++i) r.loop.call_soon_threadsafe([&] { ++calls; });
      r.loop.call_soon_threadsafe([&] { r.loop.stop(); });
    }).join();
  };
  r.loop.run_forever();
  EXPECT_EQ(r.selector.wakes, 1) << "who wakes it says that it is asleep no more";
  EXPECT_EQ(calls, 10);
}

TEST(Step5_Threadsafe, ALoopDoesNotSleepWhenSomethingWasPosted) {  // AIO-13
  RecordedLoop r;
  r.selector.instead_of_sleeping = [&] {
    ADD_FAILURE() << "it sleeps";
    r.loop.stop();
  };
  std::jthread([&] { r.loop.call_soon_threadsafe([&] { r.loop.stop(); }); }).join();
  r.loop.run_forever();
}

TEST(Step5_Threadsafe, FourThreadsLoseNothingAndEachKeepsItsOrder) {  // AIO-13
  constexpr int each = 5'000;
  EventLoop loop;
  std::array<int, 4> next{};
  int disorder = 0;
  int ran = 0;
  {
    std::vector<std::jthread> posters;
    for (std::size_t poster = 0; poster < 4; ++poster)
      posters.emplace_back([&, poster] {
        for (int i = 0; i < each; ++i)
          loop.call_soon_threadsafe([&, poster, i] {
            disorder += next[poster]++ != i;
            if (++ran == 4 * each) loop.stop();
          });
      });
    loop.run_forever();
  }
  EXPECT_EQ(ran, 4 * each);
  EXPECT_EQ(disorder, 0);
}

TEST(Step5_Threadsafe, AnyThreadMayCancelWhatWasPosted) {  // AIO-13
  VirtualLoop v;
  Log log;
  std::thread::id destroyed_by;
  struct Tell {
    std::thread::id* where;
    explicit Tell(std::thread::id& id) : where(&id) {}
    Tell(Tell&& other) noexcept : where(std::exchange(other.where, nullptr)) {}
    ~Tell() {
      if (where) *where = std::this_thread::get_id();
    }
  };
  Handle handle = v.loop.call_soon_threadsafe([&, tell = Tell(destroyed_by)] { log.push_back("cancelled"); });
  Handle other = v.loop.call_soon_threadsafe([&] { log.push_back("other"); });
  std::jthread([copy = handle]() mutable { copy.cancel(); }).join();
  EXPECT_TRUE(handle.cancelled());
  EXPECT_FALSE(other.cancelled());
  v.run_once();
  EXPECT_EQ(log, Log{"other"});
  EXPECT_TRUE(destroyed_by == std::this_thread::get_id())
      << (destroyed_by == std::thread::id() ? "nobody has destroyed it: dispatch() of step 2 drops it"
                                            : "the loop destroys it, not who cancels it");
}

TEST(Step5_Threadsafe, CollectTakesAllThereIs) {
  asyncio::InjectQueue inject_queue;
  RecordingSelector selector;
  Nodes nodes;
  EXPECT_FALSE(inject_queue.has_posts());
  for (const char name : {'a', 'b'}) inject_queue.post(nodes.make(name), selector);
  EXPECT_TRUE(inject_queue.has_posts());
  ReadyQueue posts = inject_queue.collect();
  EXPECT_FALSE(inject_queue.has_posts()) << "or every pass takes the lock from now on";
  EXPECT_TRUE(inject_queue.collect().empty());
  nodes.run_all(posts);
  EXPECT_EQ(nodes.log, (Log{"a", "b"}));
}

TEST(Step5_Threadsafe, AClosedMailboxTakesNothing) {  // AIO-12
  asyncio::InjectQueue inject_queue;
  RecordingSelector selector;
  Nodes nodes;
  inject_queue.post(nodes.make('a'), selector);
  {
    const ReadyQueue left = inject_queue.close();
    EXPECT_FALSE(left.empty());
  }
  EXPECT_EQ(error_of([&] { inject_queue.post(nodes.make('b'), selector); }), "Event loop is closed");
  EXPECT_EQ(nodes.alive, 0);
  EXPECT_TRUE(inject_queue.collect().empty());
}

// Step 6: exceptions, and debug mode.

TEST(Step6_Exceptions, AnExceptionGoesToTheHandlerAndTheLoopLives) {  // AIO-16
  VirtualLoop v;
  Log log;
  v.loop.set_exception_handler([&](EventLoop& loop, const ExceptionContext& context) {
    EXPECT_EQ(&loop, &v.loop);
    EXPECT_TRUE(context.message.starts_with("Exception in callback ")) << context.message;
    EXPECT_TRUE(context.handle);
    log.push_back(what(context.exception));
  });
  v.loop.call_soon([] { throw std::runtime_error("first"); });
  v.loop.call_soon([&] { log.push_back("next"); });
  v.loop.call_soon([] { throw 7; });
  v.loop.call_later(0s, [] { throw std::runtime_error("timer"); });
  v.loop.call_soon_threadsafe([] { throw std::runtime_error("posted"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"first", "next", "7", "posted", "timer"}));
}

TEST(Step6_Exceptions, TheMessageNamesTheCallback) {  // AIO-16
  struct Faulty {
    void operator()(int) const { throw std::runtime_error("no"); }
  };
  VirtualLoop v;
  std::string message;
  v.loop.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { message = context.message; });
  v.loop.call_soon(Faulty(), 1);
  v.run_once();
  EXPECT_NE(message.find("Faulty"), std::string::npos) << message;
}

TEST(Step6_Exceptions, WithoutAHandlerALineIsWritten) {  // AIO-16
  VirtualLoop v;
  v.loop.call_soon([] { throw std::runtime_error("lost"); });
  const std::string text = stderr_of([&] { v.run_once(); });
  EXPECT_TRUE(text.starts_with("Exception in callback ")) << text;
  EXPECT_TRUE(text.ends_with(": lost\n")) << text;
}

TEST(Step6_Exceptions, AnEmptyHandlerBringsBackTheDefault) {  // AIO-16
  VirtualLoop v;
  int calls = 0;
  v.loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++calls; });
  v.loop.set_exception_handler({});
  v.loop.call_soon([] { throw std::runtime_error("lost"); });
  EXPECT_TRUE(stderr_of([&] { v.run_once(); }).ends_with(": lost\n"));
  EXPECT_EQ(calls, 0);
}

TEST(Step6_Exceptions, WhatTheHandlerThrowsIsWrittenAndGoesNoFurther) {  // AIO-16
  VirtualLoop v;
  Log log;
  v.loop.set_exception_handler(
      [](EventLoop&, const ExceptionContext&) { throw std::runtime_error("handler"); });
  v.loop.call_soon([] { throw std::runtime_error("callback"); });
  v.loop.call_soon([&] { log.push_back("next"); });
  EXPECT_EQ(stderr_of([&] { v.run_once(); }), "Unhandled error in exception handler: handler\n");
  EXPECT_EQ(log, Log{"next"});
}

TEST(Step6_Exceptions, AHandlerMayReplaceItself) {
  VirtualLoop v;
  Log log;
  v.loop.set_exception_handler([&, text = std::string("a text that is too long to lie in the string")](
                                   EventLoop& loop, const ExceptionContext&) {
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { log.push_back("second"); });
    log.push_back(text);
  });
  for (int i = 0; i < 2; ++i) v.loop.call_soon([] { throw 1; });
  v.run_once();
  EXPECT_EQ(log, (Log{"a text that is too long to lie in the string", "second"}));
}

TEST(Step6_Exceptions, AHandlerMayBeCalledByHand) {  // AIO-16
  VirtualLoop v;
  std::string seen;
  v.loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
    seen = context.message;
    EXPECT_FALSE(context.exception);
    EXPECT_FALSE(context.handle);
  });
  v.loop.call_exception_handler({.message = "by hand"});
  EXPECT_EQ(seen, "by hand");
  v.loop.set_exception_handler({});
  EXPECT_EQ(stderr_of([&] { v.loop.call_exception_handler({.message = "by hand"}); }), "by hand\n");
}

TEST(Step6_Exceptions, ACallbackThatThrowsIsDestroyedToo) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  v.loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
  v.loop.call_soon([counted = Counted(alive)] { throw 1; });
  v.run_once();
  EXPECT_EQ(alive, 0);
}

TEST(Step6_Debug, ASlowCallbackIsTold) {  // AIO-15
  struct Slow {
    VirtualTimeSelector& clock;
    void operator()() const { clock.advance(123ms); }
  };
  VirtualLoop v;
  v.loop.set_debug(true);
  EXPECT_TRUE(v.loop.get_debug());
  v.loop.call_soon(Slow{v.clock});
  const std::string text = stderr_of([&] { v.run_once(); });
  EXPECT_TRUE(text.starts_with("Executing ")) << text;
  EXPECT_NE(text.find("Slow"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with(" took 0.123 seconds\n")) << text;
}

TEST(Step6_Debug, SlowIsWhatTakesTheDurationOrMore) {  // AIO-15
  VirtualLoop v;
  v.loop.set_debug(true);
  EXPECT_EQ(v.loop.slow_callback_duration, 100ms);
  v.loop.slow_callback_duration = 50ms;
  const auto told_of = [&](Duration time) {
    v.loop.call_soon([&, time] { v.clock.advance(time); });
    return !stderr_of([&] { v.run_once(); }).empty();
  };
  EXPECT_FALSE(told_of(50ms - 1ns));
  EXPECT_TRUE(told_of(50ms));
  v.loop.set_debug(false);
  EXPECT_FALSE(told_of(1h));
}

TEST(Step6_Debug, ExceptionsAreHandledInDebugModeToo) {  // AIO-16
  VirtualLoop v;
  Log log;
  v.loop.set_debug(true);
  v.loop.set_exception_handler(
      [&](EventLoop&, const ExceptionContext& context) { log.push_back(what(context.exception)); });
  v.loop.call_soon([&] {
    v.clock.advance(1s);
    throw std::runtime_error("slow and wrong");
  });
  v.loop.call_soon([&] { log.push_back("next"); });
  EXPECT_FALSE(stderr_of([&] { v.run_once(); }).empty());
  EXPECT_EQ(log, (Log{"slow and wrong", "next"}));
}

TEST(Step6_Debug, OtherThreadsAreRefused) {  // AIO-14
  VirtualLoop v;
  v.loop.set_debug(true);
  const std::string refusal = "Non-thread-safe operation invoked on an event loop other than the current one";
  Log log;
  v.loop.call_soon([&] {
    std::jthread([&] {
      log.push_back(error_of([&] { v.loop.call_soon(nothing); }));
      log.push_back(error_of([&] { v.loop.call_later(1s, nothing); }));
      log.push_back(error_of([&] { v.loop.call_at(at(1s), nothing); }));
      log.push_back(error_of([&] { v.loop.call_soon_threadsafe(nothing); }));
    }).join();
    log.push_back(error_of([&] { v.loop.call_soon(nothing); }));
  });
  v.run_once();
  EXPECT_EQ(log, (Log{refusal, refusal, refusal, "nothing", "nothing"}));
}

TEST(Step6_Debug, AnyThreadMayPrepareALoopThatDoesNotRun) {  // AIO-14
  VirtualLoop v;
  v.loop.set_debug(true);
  v.run_once();
  std::string error;
  std::jthread([&] { error = error_of([&] { v.loop.call_soon(nothing); }); }).join();
  EXPECT_EQ(error, "nothing");
}

// Step 7: closing, and which loop is running.

TEST(Step7_Closing, CloseDropsAllThatWaits) {  // AIO-12
  VirtualLoop v;
  std::atomic<int> alive = 0;
  int calls = 0;
  v.loop.call_soon([&, counted = Counted(alive)] { ++calls; });
  const TimerHandle timer = v.loop.call_later(1s, [&, counted = Counted(alive)] { ++calls; });
  v.loop.call_soon_threadsafe([&, counted = Counted(alive)] { ++calls; });
  EXPECT_EQ(alive, 3);
  EXPECT_FALSE(v.loop.is_closed());
  v.loop.close();
  EXPECT_TRUE(v.loop.is_closed());
  EXPECT_EQ(alive, 0) << "also if somebody has the handle";
  EXPECT_EQ(calls, 0);
  v.loop.close();
  EXPECT_TRUE(v.loop.is_closed());
}

TEST(Step7_Closing, AClosedLoopTakesNothingAndDoesNotRun) {  // AIO-12
  VirtualLoop v;
  v.loop.close();
  std::atomic<int> alive = 0;
  Counted counted(alive);
  for (const std::string& error : {
           error_of([&] { v.loop.call_soon(nothing); }),
           error_of([&] { v.loop.call_later(1s, nothing); }),
           error_of([&] { v.loop.call_at(at(1s), nothing); }),
           error_of([&] { v.loop.call_soon_threadsafe([counted = std::move(counted)] {}); }),
           error_of([&] { v.loop.run_forever(); }),
       })
    EXPECT_EQ(error, "Event loop is closed");
  EXPECT_EQ(alive, 0);
}

TEST(Step7_Closing, ARunningLoopIsNotClosed) {  // AIO-12
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] { log.push_back(error_of([&] { v.loop.close(); })); });
  v.loop.call_soon([&] { log.push_back("next"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"Cannot close a running event loop", "next"}));
  EXPECT_FALSE(v.loop.is_closed());
  v.run_once();
}

TEST(Step7_Closing, WhatIsDroppedMayTryToScheduleAndMayCancel) {  // AIO-12
  struct AtEnd {
    std::function<void()> call;
    explicit AtEnd(std::function<void()> fn) : call(std::move(fn)) {}
    AtEnd(AtEnd&& other) noexcept : call(std::exchange(other.call, nullptr)) {}
    ~AtEnd() {
      if (call) call();
    }
  };
  VirtualLoop v;
  Log log;
  TimerHandle timer = v.loop.call_later(1s, nothing);
  const auto at_end = [&] {
    timer.cancel();
    log.push_back(error_of([&] { v.loop.call_soon(nothing); }));
    log.push_back(error_of([&] { v.loop.call_soon_threadsafe(nothing); }));
  };
  v.loop.call_soon([end = AtEnd(at_end)] {});
  v.loop.call_soon_threadsafe([end = AtEnd(at_end)] {});
  v.loop.call_later(2s, [end = AtEnd(at_end)] {});
  v.loop.close();
  EXPECT_EQ(log, Log(6, "Event loop is closed"));
}

TEST(Step7_RunningLoop, ALoopDoesNotRunInsideItself) {  // AIO-11
  VirtualLoop v;
  std::string error;
  v.loop.call_soon([&] { error = error_of([&] { v.loop.run_forever(); }); });
  v.run_once();
  EXPECT_EQ(error, "This event loop is already running");
}

TEST(Step7_RunningLoop, ALoopDoesNotRunInsideAnother) {  // AIO-11
  VirtualLoop outer, inner;
  std::string error;
  outer.loop.call_soon([&] {
    error = error_of([&] { inner.run_once(); });
    EXPECT_EQ(&asyncio::get_running_loop(), &outer.loop);
  });
  outer.run_once();
  EXPECT_EQ(error, "Cannot run the event loop while another loop is running");
  int calls = 0;
  inner.loop.call_soon([&] { ++calls; });
  inner.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step7_RunningLoop, ALoopDoesNotRunOnTwoThreads) {  // AIO-11
  VirtualLoop v;
  std::string error;
  v.loop.call_soon([&] { std::jthread([&] { error = error_of([&] { v.loop.run_forever(); }); }).join(); });
  v.run_once();
  EXPECT_EQ(error, "This event loop is already running");
}

TEST(Step7_RunningLoop, TheRunningLoopIsKnownInsideAndPerThread) {  // AIO-18
  VirtualLoop v;
  EXPECT_EQ(error_of([] { asyncio::get_running_loop(); }), "no running event loop");
  Log log;
  v.loop.call_soon([&] {
    EXPECT_EQ(&asyncio::get_running_loop(), &v.loop);
    std::jthread([&] { log.push_back(error_of([] { asyncio::get_running_loop(); })); }).join();
  });
  v.run_once();
  EXPECT_EQ(log, Log{"no running event loop"});
  EXPECT_EQ(error_of([] { asyncio::get_running_loop(); }), "no running event loop");
}

TEST(Step7_RunningLoop, GetEventLoopPrefersTheRunningLoopToTheOneThatWasSet) {  // AIO-18
  const std::string none = "There is no current event loop in this thread";
  EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none);
  VirtualLoop v;
  {
    const std::unique_ptr<EventLoop> set = asyncio::new_event_loop();
    EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none);
    asyncio::set_event_loop(set.get());
    EXPECT_EQ(&asyncio::get_event_loop(), set.get());
    EXPECT_EQ(error_of([] { asyncio::get_running_loop(); }), "no running event loop");
    std::jthread([&] { EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none); }).join();
    v.loop.call_soon([&] { EXPECT_EQ(&asyncio::get_event_loop(), &v.loop); });
    v.run_once();
    EXPECT_EQ(&asyncio::get_event_loop(), set.get());
    asyncio::set_event_loop(nullptr);
    EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none);
    asyncio::set_event_loop(set.get());
  }
  EXPECT_EQ(error_of([] { asyncio::get_event_loop(); }), none) << "the loop that was set has ended";
}
