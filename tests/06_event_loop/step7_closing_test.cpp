// Chapter 06, step 7: closing a loop.

#include "support.hpp"

#include <stdexcept>

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
  EXPECT_THROW(v.loop.call_soon(nothing), std::runtime_error);
  EXPECT_THROW(v.loop.run_forever(), std::runtime_error);
  EXPECT_EQ(alive, 0);
}

TEST(Step7_Closing, ARunningLoopIsNotClosed) {  // AIO-12
  VirtualLoop v;
  Log log;
  v.loop.call_soon([&] {
    log.push_back(error_of([&] { v.loop.close(); }));
    EXPECT_THROW(v.loop.close(), std::runtime_error);
  });
  v.loop.call_soon([&] { log.push_back("next"); });
  v.run_once();
  EXPECT_EQ(log, (Log{"Cannot close a running event loop", "next"}));
  EXPECT_FALSE(v.loop.is_closed());
  v.run_once();
}

TEST(Step7_Closing, WhatIsDroppedMayTryToScheduleAndMayCancel) {  // AIO-12
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

TEST(Step7_Closing, WhatIsRefusedIsDestroyedUnderNoLock) {
  VirtualLoop v;
  v.loop.close();
  Log log;
  const auto post = [&] { v.loop.call_soon_threadsafe(nothing); };
  log.push_back(error_of([&] {
    v.loop.call_soon_threadsafe([end = AtEnd([&] { log.push_back("dropped: " + error_of(post)); })] {});
  }));
  EXPECT_EQ(log, (Log{"dropped: Event loop is closed", "Event loop is closed"}));
}

TEST(Step7_Closing, AHandleMayOutliveItsLoop) {
  for (const bool close : {true, false}) {
    std::atomic<int> alive = 0;
    Handle ran, waiting;
    {
      VirtualLoop v;
      ran = v.loop.call_soon(nothing);
      v.run_once();
      waiting = v.loop.call_soon([counted = Counted(alive)] {});
      if (close) v.loop.close();
    }
    EXPECT_EQ(alive, 0) << "the loop destroys it, also if somebody has the handle";
    waiting.cancel();
    EXPECT_TRUE(waiting.cancelled());
    EXPECT_FALSE(ran.cancelled());
  }
}
