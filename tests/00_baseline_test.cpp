#include "measure.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "testing.hpp"

using concurrent::amdahl;
using concurrent::efficiency;
using concurrent::Elapsed;
using concurrent::measure;
using concurrent::run_sequential;
using concurrent::speedup;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

namespace {

/// The processor time that the process has used so far, all its threads together.
nanoseconds process_cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

/// Computes until the process has used so much processor time since the call.
void burn(nanoseconds time) {
  for (const auto end = process_cpu_time() + time; process_cpu_time() < end;) {
  }
}

/// Waits without computing: the kernel wakes the thread when the time is over.
void wait_for(std::chrono::milliseconds time) {
  const auto end = steady_clock::now() + time;
  while (steady_clock::now() < end) poll(nullptr, 0, static_cast<int>(time.count()));
}

/// The message of the std::invalid_argument that `fn()` throws; empty if it does not.
template <class F>
std::string refusal(F fn) {
  try {
    fn();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

bool names(const std::string& message, const std::string& value) {
  return message.find(value) != std::string::npos;
}

}  // namespace

// Step 1: what a piece of work took.

TEST(Step1_Measure, TheFunctionIsCalledOnceOnTheCallingThread) {
  std::vector<std::thread::id> calls;
  measure([&] { calls.push_back(std::this_thread::get_id()); });
  EXPECT_EQ(calls, std::vector{std::this_thread::get_id()});
}

TEST(Step1_Measure, WallTimeCoversTheWholeCallAndNothingElse) {
  steady_clock::duration inside{};
  const auto before = steady_clock::now();
  const Elapsed elapsed = measure([&] {
    const auto start = steady_clock::now();
    burn(20ms);
    inside = steady_clock::now() - start;
  });
  const auto outside = steady_clock::now() - before;
  EXPECT_GE(elapsed.wall, inside) << "the wall clock is read before the call and after it";
  EXPECT_LE(elapsed.wall, outside) << "the wall time is the difference of the two readings";
}

TEST(Step1_Measure, ProcessorTimeIsWhatTheCallComputes) {
  const auto before = process_cpu_time();
  const Elapsed elapsed = measure([] { burn(21ms); });
  const auto outside = process_cpu_time() - before;
  EXPECT_GE(elapsed.cpu, 20ms) << "the call computed for 21 ms";
  EXPECT_LE(elapsed.cpu, outside + 1ms) << "what the process computed before the call does not count";
}

TEST(Step1_Measure, WaitingTakesWallTimeAndNoProcessorTime) {
  const Elapsed elapsed = measure([] { wait_for(50ms); });
  EXPECT_GE(elapsed.wall, 50ms);
  EXPECT_LT(elapsed.cpu, 25ms) << "a thread that sleeps uses no processor time: this is not the wall clock's";
}

TEST(Step1_Measure, TheProcessorTimeOfAllThreadsCounts) {
  const Elapsed elapsed = measure([] {
    std::thread other([] { burn(21ms); });
    other.join();
  });
  EXPECT_GE(elapsed.cpu, 20ms) << "another thread computed for 21 ms while the caller waited for it";
}

TEST(Step1_Measure, ThreadsThatWorkTogetherUseMoreProcessorTimeThanTheirCaller) {
  // Each burns 15 ms of its own, so the process has used 30 ms, on one core or on two.
  const Elapsed elapsed = measure([] {
    const auto mine = [] {
      timespec now{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
      return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
    };
    const auto work = [mine] {
      for (const auto end = mine() + 15ms; mine() < end;) {
      }
    };
    std::thread other(work);
    work();
    other.join();
  });
  EXPECT_GE(elapsed.cpu, 25ms) << "two threads computed for 15 ms each";
}

TEST(Step1_Measure, AnythingThatCanBeCalledWillDo) {
  int calls = 0;
  const auto by_name = [&] { ++calls; };
  measure(by_name);
  measure([&, owned = std::make_unique<int>(1)] { calls += *owned; });  // can only be moved
  struct OnlyOnce {
    int& calls;
    void operator()() && { ++calls; }
  };
  measure(OnlyOnce{calls});  // can only be called as a temporary
  EXPECT_EQ(calls, 3);
}

TEST(Step1_Measure, WhatTheFunctionReturnsIsDropped) {
  int calls = 0;
  measure([&] { return std::make_unique<int>(++calls); });
  EXPECT_EQ(calls, 1);
}

TEST(Step1_Measure, AnExceptionComesThrough) {
  EXPECT_THROW(measure([] { throw std::out_of_range("no such item"); }), std::out_of_range);
  EXPECT_THROW(measure([] { throw 7; }), int);
}

// Step 2: the sequential model.

TEST(Step2_RunSequential, TheFunctionIsCalledOnEachItemInOrder) {
  std::vector<int> seen;
  run_sequential(std::vector{3, 1, 2}, [&](int item) { seen.push_back(item); });
  EXPECT_EQ(seen, (std::vector{3, 1, 2}));
}

TEST(Step2_RunSequential, AllRunsOnTheCallingThread) {
  std::vector<std::thread::id> threads;
  run_sequential(std::views::iota(0, 3), [&](int) { threads.push_back(std::this_thread::get_id()); });
  EXPECT_EQ(threads, std::vector(3, std::this_thread::get_id()));
}

TEST(Step2_RunSequential, ResultsComeInTheOrderOfTheItems) {
  const auto squares = run_sequential(std::views::iota(1, 6), [](int item) { return item * item; });
  static_assert(std::is_same_v<decltype(squares), const std::vector<int>>);
  EXPECT_EQ(squares, (std::vector{1, 4, 9, 16, 25}));
}

TEST(Step2_RunSequential, AFunctionWithoutAResultGivesNone) {
  int sum = 0;
  const auto add = [&](int item) { sum += item; };
  static_assert(std::is_void_v<decltype(run_sequential(std::vector<int>(), add))>);
  run_sequential(std::vector{1, 2, 3}, add);
  EXPECT_EQ(sum, 6);
}

TEST(Step2_RunSequential, NoItemsGiveNoResults) {
  const auto results = run_sequential(std::vector<int>(), [](int item) { return item; });
  EXPECT_TRUE(results.empty());
}

TEST(Step2_RunSequential, ItemsCanBeChangedInPlace) {
  std::vector<int> items{1, 2, 3};
  run_sequential(items, [](int& item) { item *= 10; });
  EXPECT_EQ(items, (std::vector{10, 20, 30}));
}

TEST(Step2_RunSequential, ItemsAreNotCopied) {
  std::vector<std::unique_ptr<int>> items;
  for (int i = 1; i <= 3; ++i) items.push_back(std::make_unique<int>(i));
  const auto values = run_sequential(items, [](const std::unique_ptr<int>& item) { return *item; });
  EXPECT_EQ(values, (std::vector{1, 2, 3}));
  EXPECT_TRUE(std::ranges::all_of(items, [](const auto& item) { return item != nullptr; }))
      << "the caller still owns the items";
}

TEST(Step2_RunSequential, ItemsOfARangeOfTemporariesAreHandedOn) {
  std::vector<std::unique_ptr<int>> items;
  for (int i = 1; i <= 3; ++i) items.push_back(std::make_unique<int>(i));
  const std::ranges::subrange moved(std::move_iterator(items.begin()), std::move_iterator(items.end()));
  const auto taken = run_sequential(moved, [](std::unique_ptr<int> item) { return item; });
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(*taken[2], 3) << "results that only move are moved";
  EXPECT_EQ(items[2], nullptr) << "the function has taken the item over";
}

TEST(Step2_RunSequential, AResultByReferenceIsCopied) {
  std::vector<std::string> items{"salt", "pepper"};
  auto copies = run_sequential(items, [](std::string& item) -> std::string& { return item; });
  static_assert(std::is_same_v<decltype(copies), std::vector<std::string>>);
  items[0] = "sugar";
  EXPECT_EQ(copies, (std::vector<std::string>{"salt", "pepper"}));
}

TEST(Step2_RunSequential, ARangeThatCanBeReadOnlyOnceWillDo) {
  std::istringstream recipe("2 3 5");
  const auto doubled = run_sequential(std::views::istream<int>(recipe), [](int item) { return 2 * item; });
  EXPECT_EQ(doubled, (std::vector{4, 6, 10}));
}

TEST(Step2_RunSequential, AMemberWillDoAsTheFunction) {
  const std::vector<std::string> words{"a", "bc", ""};
  EXPECT_EQ(run_sequential(words, &std::string::size), (std::vector<std::size_t>{1, 2, 0}));
}

TEST(Step2_RunSequential, AnExceptionComesThroughAtOnce) {
  std::vector<int> seen;
  const auto visit = [&](int item) {
    seen.push_back(item);
    if (item == 2) throw std::out_of_range("two");
  };
  EXPECT_THROW(run_sequential(std::vector{1, 2, 3}, visit), std::out_of_range);
  EXPECT_EQ(seen, (std::vector{1, 2})) << "the items after it are not visited";
  EXPECT_THROW(run_sequential(std::vector{1, 2, 3},
                              [&](int item) {
                                visit(item);
                                return item;
                              }),
               std::out_of_range);
  EXPECT_EQ(seen, (std::vector{1, 2, 1, 2})) << "nor if there are results to lose";
}

TEST(Step2_RunSequential, MemoryForTheResultsIsAskedForOnce) {
  const auto items = std::views::iota(0, 1'000);
  const auto square = [](int item) { return item * item; };
  EXPECT_EQ(course::allocations_in([&] { run_sequential(items, square); }), 1u)
      << "a range that knows its size tells how many results there will be";
}

// Step 3: what it was worth.

TEST(Step3_Speedup, SpeedupIsSequentialTimeOverParallelTime) {
  EXPECT_DOUBLE_EQ(speedup(10s, 5s), 2);
  EXPECT_DOUBLE_EQ(speedup(1s, 1s), 1);
  EXPECT_DOUBLE_EQ(speedup(7ns, 2ns), 3.5) << "the fraction counts too";
}

TEST(Step3_Speedup, WhatIsSlowerHasASpeedupBelowOne) { EXPECT_DOUBLE_EQ(speedup(3s, 4s), 0.75); }

TEST(Step3_Speedup, MeasurementsAreComparedByTheirWallTimes) {
  const Elapsed sequential{.wall = 8s, .cpu = 8s};
  const Elapsed parallel{.wall = 2s, .cpu = 9s};
  EXPECT_DOUBLE_EQ(speedup(sequential, parallel), 4) << "what the user waits for counts, not the work done";
}

TEST(Step3_Speedup, TimesThatAreNotAboveZeroAreRefused) {
  const std::string no_sequential = refusal([] { speedup(0ns, 17ns); });
  EXPECT_TRUE(names(no_sequential, "0 ns")) << "the message must name the value: " << no_sequential;
  const std::string no_parallel = refusal([] { speedup(17ns, -5ns); });
  EXPECT_TRUE(names(no_parallel, "-5 ns")) << "the message must name the value: " << no_parallel;
}

TEST(Step3_Speedup, EfficiencyIsTheShareOfTheWorkersInUse) {
  EXPECT_DOUBLE_EQ(efficiency(3, 4), 0.75);
  EXPECT_DOUBLE_EQ(efficiency(2, 2), 1);
  EXPECT_DOUBLE_EQ(efficiency(1.5, 1), 1.5) << "more than 1 is possible: caches help";
}

TEST(Step3_Speedup, EfficiencyNeedsAWorker) {
  for (const int workers : {0, -3}) {
    const std::string message = refusal([&] { efficiency(1, workers); });
    EXPECT_TRUE(names(message, std::to_string(workers))) << "the message must name the value: " << message;
  }
}

TEST(Step3_Speedup, AmdahlDividesOnlyTheParallelShare) {
  EXPECT_DOUBLE_EQ(amdahl(0.5, 2), 4.0 / 3);  // half of the time stays, the other half is halved
  EXPECT_DOUBLE_EQ(amdahl(0.9, 10), 1 / 0.19);
  EXPECT_DOUBLE_EQ(amdahl(0.75, 3), 2);
}

TEST(Step3_Speedup, AmdahlsLimits) {
  EXPECT_DOUBLE_EQ(amdahl(1, 8), 8) << "all of it runs in parallel";
  EXPECT_DOUBLE_EQ(amdahl(0, 8), 1) << "none of it does";
  EXPECT_DOUBLE_EQ(amdahl(0.9, 1), 1) << "one worker changes nothing";
  EXPECT_NEAR(amdahl(0.9, 1'000'000'000), 10, 1e-6) << "a tenth stays, whatever you buy";
}

TEST(Step3_Speedup, AShareIsBetweenZeroAndOne) {
  const std::string above = refusal([] { amdahl(1.5, 2); });
  EXPECT_TRUE(names(above, "1.5")) << "the message must name the value: " << above;
  const std::string below = refusal([] { amdahl(-0.25, 2); });
  EXPECT_TRUE(names(below, "-0.25")) << "the message must name the value: " << below;
  EXPECT_THROW(amdahl(std::numeric_limits<double>::quiet_NaN(), 2), std::invalid_argument)
      << "not a number is not between 0 and 1";
}

TEST(Step3_Speedup, AmdahlNeedsAWorker) {
  for (const int workers : {0, -3}) {
    const std::string message = refusal([&] { amdahl(0.5, workers); });
    EXPECT_TRUE(names(message, std::to_string(workers))) << "the message must name the value: " << message;
  }
}
