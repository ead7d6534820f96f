// Chapter 09, step 2: callbacks that are cancelled, removed or destroyed at odd moments.

#include "support.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

using asyncio::Handle;

TEST(Step2_Callbacks, OneThatWasCancelledIsRemovedOnce) {  // AIO-27
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Handle handle = future.add_done_callback([&](const Future<int>&) { v.note("cancelled"); });
  Handle late = future.add_done_callback([&](const Future<int>&) { v.note("cancelled"); });
  handle.cancel();
  late.cancel();
  EXPECT_EQ(future.remove_done_callback(handle), 1u) << "it still stands there, though it will not run";
  EXPECT_EQ(future.remove_done_callback(handle), 0u);
  future.set_result(1);
  EXPECT_EQ(future.remove_done_callback(late), 0u) << "the future is done";
  v.passes(1);
  EXPECT_EQ(v.log, Log());
}

TEST(Step2_Callbacks, OneMayCancelItsOwnHandleWhileItRuns) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  Handle own;
  int during = 7;
  own = future.add_done_callback([&, counted = Counted(alive)](const Future<int>&) {
    const std::atomic<int>& count = alive;
    int& result = during;
    own.cancel();
    result = count;
  });
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(during, 1) << "a function that runs is not destroyed, nor what it has captured";
  EXPECT_EQ(alive, 0) << "but when it returns";
}

TEST(Step2_Callbacks, OneThatThrowsIsDestroyedBeforeTheNextRuns) {  // AIO-16
  VirtualLoop v;
  v.note_reports();
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  const Handle handle = future.add_done_callback(
      [counted = Counted(alive)](const Future<int>&) { throw std::runtime_error("lost"); });
  future.add_done_callback([&](const Future<int>&) { v.note(std::to_string(alive)); });
  future.set_result(1);
  v.passes(1);
  ASSERT_EQ(v.log.size(), 2u);
  EXPECT_EQ(v.log[1], "0 0") << "also if somebody has its handle";
}

TEST(Step2_Callbacks, WhatAMoveOnlyCopiesIsDestroyedToo) {
  VirtualLoop v;
  v.note_reports();
  const auto kept = std::make_shared<int>(7);  // hence a const member of each function: moving that copies it
  Future<int> future = v.loop.create_future<int>();
  const Handle first = future.add_done_callback([kept](const Future<int>&) { return *kept; });
  const Handle second = future.add_done_callback(
      [kept](const Future<int>&) { throw std::runtime_error(std::to_string(*kept)); });
  future.add_done_callback([&](const Future<int>&) { v.note(std::to_string(kept.use_count())); });
  EXPECT_EQ(kept.use_count(), 3);
  future.set_result(1);
  v.passes(1);
  ASSERT_EQ(v.log.size(), 2u);
  EXPECT_EQ(v.log[1], "0 1") << "nothing is left in a node whose function has run";
}

TEST(Step2_Callbacks, OneThatWasCancelledDoesNotKeepTheFuture) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Handle handle;
  {
    Future<Counted> future = v.loop.create_future<Counted>();
    handle = future.add_done_callback([](const Future<Counted>&) { ADD_FAILURE() << "it was cancelled"; });
    handle.cancel();
    future.set_result(alive);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0) << "no callback of it will run, so it goes with its last handle";
  v.passes(1);
}

TEST(Step2_Callbacks, OneMayHaveTheLastHandle) {
  VirtualLoop v;
  int copies = 7;
  {
    Future<Copies> future = v.loop.create_future<Copies>();
    future.add_done_callback([&](Future<Copies> done) { copies = std::move(done).result().copies; });
    future.set_result();
  }
  v.passes(1);
  EXPECT_EQ(copies, 0) << "nobody else has the future, so its result can be moved out";
}

TEST(Step2_Callbacks, WhatIsDestroyedWithOneThatIsRemovedMayAddAndRemove) {  // AIO-27
  VirtualLoop v;
  Future<int> future = v.loop.create_future<int>();
  Handle own;
  std::size_t again = 7;
  own = future.add_done_callback([at_end = AtEnd([&] {
                                    again = future.remove_done_callback(own);
                                    for (const char* name : {"a", "b", "c", "d", "e"})
                                      future.add_done_callback(
                                          [&v, name](const Future<int>&) { v.note(name); });
                                  })](const Future<int>&) { ADD_FAILURE() << "it was removed"; });
  future.add_done_callback([&](const Future<int>&) { v.note("other"); });
  EXPECT_EQ(future.remove_done_callback(own), 1u);
  EXPECT_EQ(again, 0u) << "it is not there any more when it is destroyed";
  future.set_result(1);
  v.passes(1);
  EXPECT_EQ(v.log, (Log{"0 other", "0 a", "0 b", "0 c", "0 d", "0 e"}));
}

TEST(Step2_Callbacks, WhatAClosedLoopDestroysFindsTheFutureDone) {
  VirtualLoop v;
  std::atomic<int> alive = 0;
  Future<int> future = v.loop.create_future<int>();
  std::string found;
  future.add_done_callback([at_end = AtEnd([&] {
                              found = outcome_of(future);
                              future.add_done_callback([counted = Counted(alive)](const Future<int>&) {});
                            })](const Future<int>&) { ADD_FAILURE() << "the loop is closed"; });
  v.loop.close();
  future.set_result(7);
  EXPECT_EQ(found, "7");
  EXPECT_EQ(alive, 0) << "one that is added meanwhile goes at once, too";
}
