// Chapter 06, step 2: what was scheduled can be cancelled.

#include "support.hpp"

TEST(Step2_Cancelling, ACancelledCallbackDoesNotRun) {  // AIO-06
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

TEST(Step2_Cancelling, ACallbackMayCancelAnotherOfThePassThatRuns) {  // AIO-06
  VirtualLoop v;
  Log log;
  Handle second;
  v.loop.call_soon([&] { second.cancel(); });
  second = v.loop.call_soon([&] { log.push_back("second"); });
  v.run_once();
  EXPECT_EQ(log, Log());
}

TEST(Step2_Cancelling, CancelDestroysTheCallbackAtOnce) {  // AIO-06
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

TEST(Step2_Cancelling, ACallbackMayCancelItself) {  // AIO-06
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

TEST(Step2_Cancelling, CancellingWhatHasRunDoesNothing) {  // AIO-06
  VirtualLoop v;
  int calls = 0;
  Handle handle = v.loop.call_soon([&] { ++calls; });
  v.run_once();
  handle.cancel();
  v.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(Step2_Cancelling, HandlesAreCopiedLikePointersAndCancelNothingAtTheirEnd) {
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

TEST(Step2_Cancelling, TheDestructorOfACancelledCallbackMayUseItsHandleAndTheLoop) {
  VirtualLoop v;
  Log log;
  Handle handle;
  handle = v.loop.call_soon([end = AtEnd([&] {
                               log.push_back(handle.cancelled() ? "cancelled" : "not cancelled");
                               handle.cancel();
                               v.loop.call_soon([&] { log.push_back("called"); });
                             })] {});
  handle.cancel();
  EXPECT_EQ(log, Log{"cancelled"});
  v.run_once();
  EXPECT_EQ(log, (Log{"cancelled", "called"}));
}

TEST(Step2_Cancelling, TheDestructorOfACallbackThatHasRunMayCancelTheNextAndScheduleMore) {
  VirtualLoop v;
  Handle next;
  v.loop.call_soon([end = AtEnd([&] {
                      next.cancel();
                      v.loop.call_soon([&] { v.note("scheduled"); });
                    }),
                    &v] { v.note("first"); });
  next = v.loop.call_soon([&] { v.note("cancelled"); });
  v.loop.call_soon([&] { v.note("last"); });
  v.passes(2);
  EXPECT_EQ(v.log, (Log{"0 first", "0 last", "1 scheduled"}));
}
