// Chapter 06, step 8: what a callback, a timer and a post cost.

#include "support.hpp"

#include <cstddef>
#include <stdexcept>
#include <thread>

#include "node_pool.hpp"

using asyncio::NodePool;

TEST(Step8_Costs, ASmallCallbackCostsNoAllocationInSteadyState) {
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

TEST(Step8_Costs, SettingAndCancellingTimersAllocatesNothingInSteadyState) {  // AIO-07
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

TEST(Step8_Costs, ALoopThatIsAwakeIsNotWoken) {  // AIO-13
  RecordedLoop r;
  for (int i = 0; i < 10; ++i) r.loop.call_soon_threadsafe(nothing);
  EXPECT_EQ(r.selector.wakes, 0);
  r.loop.call_soon([&] {
    for (int i = 0; i < 10; ++i) r.loop.call_soon_threadsafe(nothing);
    r.loop.call_later(1s, [&] {  // it has slept since, and a timer has woken it
      std::jthread([&] { r.loop.call_soon_threadsafe([&] { r.loop.stop(); }); }).join();
    });
  });
  r.loop.run_forever();
  EXPECT_EQ(r.selector.wakes, 0) << "a timer has ended its sleep: who tells the inject queue?";
}

TEST(Step8_Costs, ALoopWhoseSelectorHasThrownIsNotWoken) {  // AIO-13
  RecordedLoop r;
  r.selector.instead_of_sleeping = [] { throw std::runtime_error("no sleep"); };
  EXPECT_EQ(error_of([&] { r.loop.run_forever(); }), "no sleep");
  r.loop.call_soon_threadsafe([&] { r.loop.stop(); });
  EXPECT_EQ(r.selector.wakes, 0) << "an error has ended its sleep, and nobody sleeps any more";
  r.loop.run_forever();
}

TEST(Step8_Costs, ASleepingLoopIsWokenOnce) {  // AIO-13
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

TEST(Step8_Costs, ALoopDoesNotSleepWhenSomethingWasPosted) {  // AIO-13
  RecordedLoop r;
  r.selector.instead_of_sleeping = [&] {
    ADD_FAILURE() << "it sleeps";
    r.loop.stop();
  };
  std::jthread([&] { r.loop.call_soon_threadsafe([&] { r.loop.stop(); }); }).join();
  r.loop.run_forever();
}

TEST(Step8_Costs, ATimerThatRunsCostsNoAllocationInSteadyState) {  // AIO-07
  VirtualLoop v;
  int calls = 0;
  const auto round = [&] {
    for (int i = 0; i < 10; ++i) v.loop.call_later(1ms, [&calls, i] { calls += i; });
    v.clock.advance(1ms);
    v.run_once();
  };
  for (int i = 0; i < 10; ++i) round();
  EXPECT_LE(course::allocations_in([&] {
              for (int i = 0; i < 100; ++i) round();
            }),
            NodePool::recycles ? 0u : 1'000u);
  EXPECT_EQ(calls, 110 * 45);
}
