// Chapter 06, step 1: a loop that runs.

#include "support.hpp"

#include <array>

TEST(Step1_RunForever, CallbacksRunOnceInOrder) {  // AIO-01
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

TEST(Step1_RunForever, ArgumentsAreHandedOn) {  // AIO-01
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

TEST(Step1_RunForever, WhatACallbackSchedulesRunsInTheNextPass) {  // AIO-02, AIO-08
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

TEST(Step1_RunForever, StopFinishesThePass) {  // AIO-08
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

TEST(Step1_RunForever, ALoopThatWasStoppedBeforeRunsForOnePass) {  // AIO-08
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

TEST(Step1_RunForever, StopCountsForOneRun) {
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

TEST(Step1_RunForever, TwoStopsInARunEndThatRunOnly) {
  VirtualLoop v;
  for (int i = 0; i < 2; ++i) v.loop.call_soon([&] { v.loop.stop(); });
  v.loop.run_forever();
  int calls = 0;
  const std::function<void()> again = [&] {
    if (++calls == 3) return v.loop.stop();
    v.loop.call_soon(again);
  };
  v.loop.call_soon(again);
  v.loop.run_forever();
  EXPECT_EQ(calls, 3) << "the second stop was for the run before, too";
}

TEST(Step1_RunForever, TheLoopKnowsWhetherItRuns) {
  VirtualLoop v;
  EXPECT_FALSE(v.loop.is_running());
  bool running = false;
  v.loop.call_soon([&] { running = v.loop.is_running(); });
  v.run_once();
  EXPECT_TRUE(running);
  EXPECT_FALSE(v.loop.is_running());
}

TEST(Step1_RunForever, AThousandPassesRunAThousandLinksOfAChain) {
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

TEST(Step1_RunForever, ACallbackIsDestroyedBeforeTheNextRuns) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  int seen = -1;
  const Handle handle = v.loop.call_soon([counted = Counted(alive)] {});
  v.loop.call_soon([&] { seen = alive; });
  v.run_once();
  EXPECT_EQ(seen, 0) << "also if somebody has its handle";
}

TEST(Step1_RunForever, TheLastCallbackOfAPassIsDestroyedBeforeTheNextPass) {
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&, end = AtEnd([&] { v.loop.call_soon([&] { log.push_back("destroyed"); }); })] {
    v.loop.call_soon([&] {
      log.push_back("next pass");
      v.loop.stop();
    });
  });
  v.loop.run_forever();
  EXPECT_EQ(log, (Log{"next pass", "destroyed"})) << "what a callback owns goes when it has run, and not "
                                                     "when another runs: the loop may sleep until then";
}

TEST(Step1_RunForever, ALargeCallbackRunsTooAndTheNextOneIsIntact) {
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
