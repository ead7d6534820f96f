// Chapter 00, step 1: what a piece of work took.

#include "support.hpp"

#include <poll.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using concurrent::measure;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

namespace {

/// Returns the processor time that the process has used so far, all its threads together.
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

}  // namespace

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
