// Chapter 11, step 5: a barrier: tasks wait for one another.

#include "barrier.hpp"

#include "support.hpp"

#include <algorithm>
#include <optional>

using asyncio::Barrier;
using asyncio::BrokenBarrierError;

namespace {

/// Waits at the barrier, and notes the index or the error.
Coro<> arrive(VirtualLoop& v, Barrier& barrier, std::string who) {
  try {
    const std::ptrdiff_t index = co_await barrier.wait();
    v.note(who + " " + std::to_string(index));
  } catch (const CancelledError&) {
    v.note(who + " cancelled");
    throw;
  } catch (const BrokenBarrierError& error) {
    v.note(who + ": " + error.what());
  }
}

/// The log without the passes.
Log without_passes(Log log) {
  for (std::string& line : log) line.erase(0, line.find(' ') + 1);
  return log;
}

}  // namespace

TEST(Step5_Barrier, NobodyGoesOnBeforeAllHaveCome) {  // AIO-92
  VirtualLoop v;
  Barrier barrier(3);
  v.loop.create_task(arrive(v, barrier, "a"));
  v.loop.create_task(arrive(v, barrier, "b"));
  v.passes(5);
  EXPECT_EQ(v.log, Log{});
  EXPECT_EQ(barrier.n_waiting(), 2);
  v.loop.create_task(arrive(v, barrier, "c"));
  v.passes(5);
  EXPECT_EQ(v.log.size(), 3u);
  EXPECT_EQ(barrier.n_waiting(), 0);
}

TEST(Step5_Barrier, TheLastToComeGoesFirstAndEachHasItsNumber) {  // AIO-92
  VirtualLoop v;
  Barrier barrier(3);
  for (const char* who : {"a", "b", "c"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(6);
  EXPECT_EQ(without_passes(v.log), (Log{"c 2", "a 0", "b 1"}));
}

TEST(Step5_Barrier, ItCanBeUsedAgain) {  // AIO-92
  VirtualLoop v;
  Barrier barrier(2);
  int rounds = 0;
  const auto body = [&]() -> Coro<> {
    for (int i = 0; i < 5; ++i)
      if (co_await barrier.wait() == 0) ++rounds;
  };
  const Task<> one = v.loop.create_task(body());
  const Task<> other = v.loop.create_task(body());
  v.passes(60);
  EXPECT_TRUE(one.done());
  EXPECT_TRUE(other.done());
  EXPECT_EQ(rounds, 5);
}

TEST(Step5_Barrier, OfOneItLetsEverybodyThrough) {  // AIO-92
  VirtualLoop v;
  Barrier barrier(1);
  for (const char* who : {"a", "b"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(2);
  EXPECT_EQ(without_passes(v.log), (Log{"a 0", "b 0"}));
}

TEST(Step5_Barrier, ForFewerThanOneItIsRefused) {  // AIO-92
  EXPECT_EQ(error_of([] { Barrier(0); }), "parties must be >= 1, and not 0");
  EXPECT_THROW(Barrier(-1), std::invalid_argument);
  VirtualLoop v;
  Barrier barrier(1);
  EXPECT_EQ(barrier.parties(), 1);
  EXPECT_EQ(error_of_await(v, [&] { return barrier.wait(); }), "nothing");
}

TEST(Step5_Barrier, WhoComesWhileTheOthersLeaveWaitsForTheNextRound) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(2);
  for (const char* who : {"a", "b", "late"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 b 1"});
  v.passes(6);
  EXPECT_EQ(without_passes(v.log), (Log{"b 1", "a 0"}));
  EXPECT_EQ(barrier.n_waiting(), 1);
  v.loop.create_task(arrive(v, barrier, "last"));
  v.passes(6);
  EXPECT_EQ(without_passes(v.log), (Log{"b 1", "a 0", "last 1", "late 0"}));
}

TEST(Step5_Barrier, OneThatIsCancelledDoesNotCountAndBreaksNothing) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(3);
  Task<> a = v.loop.create_task(arrive(v, barrier, "a"));
  v.loop.create_task(arrive(v, barrier, "b"));
  v.passes(1);
  EXPECT_EQ(barrier.n_waiting(), 2);
  a.cancel();
  v.passes(2);
  EXPECT_EQ(barrier.n_waiting(), 1);
  EXPECT_FALSE(barrier.broken());
  v.loop.create_task(arrive(v, barrier, "c"));
  v.passes(3);
  EXPECT_EQ(without_passes(v.log), Log{"a cancelled"});
  v.loop.create_task(arrive(v, barrier, "d"));
  v.passes(5);
  EXPECT_EQ(v.log.size(), 4u);
}

TEST(Step5_Barrier, OneThatIsCancelledWhileItLeavesHoldsUpNobody) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(3);
  Task<> a = v.loop.create_task(arrive(v, barrier, "a"));
  v.loop.create_task(arrive(v, barrier, "b"));
  v.loop.create_task(arrive(v, barrier, "c"));
  v.loop.call_soon([&] { a.cancel(); });
  v.passes(8);
  EXPECT_EQ(without_passes(v.log), (Log{"c 2", "a cancelled", "b 1"}));
  for (const char* who : {"d", "e", "f"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(8);
  EXPECT_EQ(v.log.size(), 6u);
}

TEST(Step5_Barrier, ResetSendsThoseWhoWaitAwayAndItCanBeUsedAgain) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(3);
  for (const char* who : {"a", "b"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(1);
  v.loop.create_task(barrier.reset());
  v.passes(6);
  EXPECT_EQ(without_passes(v.log), (Log{"a: Abort or reset of barrier", "b: Abort or reset of barrier"}));
  EXPECT_FALSE(barrier.broken());
  EXPECT_EQ(barrier.n_waiting(), 0);
  for (const char* who : {"c", "d", "e"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(6);
  EXPECT_EQ(v.log.size(), 5u);
}

TEST(Step5_Barrier, ResetOfOneWhereNobodyWaitsChangesNothing) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(2);
  v.loop.create_task(barrier.reset());
  v.passes(1);
  for (const char* who : {"a", "b"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(4);
  EXPECT_EQ(v.log.size(), 2u);
}

TEST(Step5_Barrier, AbortBreaksItForThoseWhoWaitAndWhoCome) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(3);
  for (const char* who : {"a", "b"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(1);
  v.loop.create_task(barrier.abort());
  v.passes(5);
  EXPECT_TRUE(barrier.broken());
  v.loop.create_task(arrive(v, barrier, "c"));
  v.passes(2);
  EXPECT_EQ(without_passes(v.log),
            (Log{"a: Abort or reset of barrier", "b: Abort or reset of barrier", "c: Barrier aborted"}));
}

TEST(Step5_Barrier, ResetMendsABrokenOne) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(2);
  v.loop.create_task(barrier.abort());
  v.passes(1);
  EXPECT_TRUE(barrier.broken());
  v.loop.create_task(barrier.reset());
  v.passes(1);
  EXPECT_FALSE(barrier.broken());
  for (const char* who : {"a", "b"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(4);
  EXPECT_EQ(v.log.size(), 2u);
}

TEST(Step5_Barrier, WhoComesDuringAResetWaitsUntilAllHaveGone) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(2);
  v.loop.create_task(arrive(v, barrier, "a"));
  v.passes(1);
  v.loop.create_task(barrier.reset());
  v.loop.create_task(arrive(v, barrier, "late"));
  v.passes(6);
  EXPECT_EQ(without_passes(v.log), Log{"a: Abort or reset of barrier"});
  EXPECT_EQ(barrier.n_waiting(), 1);
}

TEST(Step5_Barrier, OfThoseWhoWaitOutsideOnlySoManyComeInAsThereIsRoomFor) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(2);
  for (const char* who : {"a", "b", "c", "d", "e"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(12);
  EXPECT_EQ(without_passes(v.log), (Log{"b 1", "a 0", "d 1", "c 0"}));
  EXPECT_EQ(barrier.n_waiting(), 1);
}

TEST(Step5_Barrier, OneThatIsCancelledOutsideWasNeverCounted) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(2);
  for (const char* who : {"a", "b"}) v.loop.create_task(arrive(v, barrier, who));
  Task<> late = v.loop.create_task(arrive(v, barrier, "late"));
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 b 1"});
  EXPECT_EQ(barrier.n_waiting(), 0) << "it is open, and nobody waits for others to come";
  late.cancel();
  v.passes(4);
  EXPECT_TRUE(late.cancelled());
  v.loop.create_task(arrive(v, barrier, "c"));
  v.passes(2);
  EXPECT_EQ(barrier.n_waiting(), 1);
  v.loop.create_task(arrive(v, barrier, "d"));
  v.passes(4);
  EXPECT_EQ(without_passes(v.log), (Log{"b 1", "a 0", "late cancelled", "d 1", "c 0"}));
}

TEST(Step5_Barrier, WhoComesToABrokenOneIsNotCounted) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(2);
  v.loop.create_task(barrier.abort());
  for (const char* who : {"a", "b"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(2);
  v.loop.create_task(barrier.reset());
  v.passes(2);
  v.loop.create_task(arrive(v, barrier, "c"));
  v.passes(2);
  EXPECT_EQ(barrier.n_waiting(), 1);
  v.loop.create_task(arrive(v, barrier, "d"));
  v.passes(4);
  EXPECT_EQ(without_passes(v.log), (Log{"a: Barrier aborted", "b: Barrier aborted", "d 1", "c 0"}));
}

TEST(Step5_Barrier, ResetMendsOneThatWasBrokenWhileTasksWaited) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(3);
  for (const char* who : {"a", "b"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(1);
  v.loop.create_task(barrier.abort());
  v.passes(5);
  v.loop.create_task(barrier.reset());
  v.passes(1);
  EXPECT_FALSE(barrier.broken());
  for (const char* who : {"c", "d", "e"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(6);
  EXPECT_EQ(without_passes(v.log),
            (Log{"a: Abort or reset of barrier", "b: Abort or reset of barrier", "e 2", "c 0", "d 1"}));
}

TEST(Step5_Barrier, AResetWhileTheyLeaveSendsThoseAwayWhoHaveNotLeft) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(3);
  for (const char* who : {"a", "b", "c"}) v.loop.create_task(arrive(v, barrier, who));
  v.loop.create_task(barrier.reset());
  v.loop.create_task(arrive(v, barrier, "late"));
  v.passes(8);
  EXPECT_EQ(without_passes(v.log),
            (Log{"c 2", "a: Abort or reset of barrier", "b: Abort or reset of barrier"}));
  EXPECT_FALSE(barrier.broken());
  EXPECT_EQ(barrier.n_waiting(), 1);  // late, who has waited outside
}

TEST(Step5_Barrier, AnAbortWhileTheyLeaveIsHeardInsideAndOutside) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(3);
  for (const char* who : {"a", "b", "c", "late"}) v.loop.create_task(arrive(v, barrier, who));
  v.loop.create_task(barrier.abort());
  v.passes(8);
  EXPECT_EQ(without_passes(v.log), (Log{"c 2", "a: Abort or reset of barrier", "b: Abort or reset of barrier",
                                        "late: Barrier aborted"}));
  EXPECT_TRUE(barrier.broken());
}

TEST(Step5_Barrier, AnAbortDuringAResetBreaksItAndAResetAfterAnAbortMendsIt) {  // AIO-93
  VirtualLoop v;
  Barrier barrier(3);
  for (const char* who : {"a", "b"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(1);
  v.loop.create_task(barrier.reset());
  v.loop.create_task(barrier.abort());  // before anybody has left
  v.passes(5);
  EXPECT_TRUE(barrier.broken());
  v.loop.create_task(barrier.reset());
  v.passes(1);
  for (const char* who : {"c", "d"}) v.loop.create_task(arrive(v, barrier, who));
  v.passes(1);
  v.loop.create_task(barrier.abort());
  v.loop.create_task(barrier.reset());
  v.loop.create_task(arrive(v, barrier, "late"));
  v.passes(6);
  const std::string sent_away = ": Abort or reset of barrier";
  EXPECT_EQ(without_passes(v.log), (Log{"a" + sent_away, "b" + sent_away, "c" + sent_away, "d" + sent_away}));
  EXPECT_FALSE(barrier.broken());
  EXPECT_EQ(barrier.n_waiting(), 1) << "late belongs to the round after the reset";
}

TEST(Step5_Barrier, ALoopThatIsClosedWhileTasksWaitInsideAndOutsideThrowsNothing) {
  Barrier fills(2);
  Barrier drains(2);
  VirtualLoop v;
  v.loop.set_exception_handler([](EventLoop&, const asyncio::ExceptionContext&) {});
  v.loop.create_task(arrive(v, fills, "a"));
  for (const char* who : {"b", "c", "outside"}) v.loop.create_task(arrive(v, drains, who));
  v.passes(1);
  EXPECT_EQ(v.log, Log{"0 c 1"});
  EXPECT_EQ(fills.n_waiting(), 1);
  EXPECT_EQ(error_of([&] { v.loop.close(); }), "nothing");
  EXPECT_EQ(v.log, Log{"0 c 1"});
}

TEST(Step5_Barrier, OneWhoseWaitIsRefusedDoesNotCount) {  // AIO-47, AIO-93
  VirtualLoop v;
  VirtualLoop other;
  Barrier barrier(2);
  EXPECT_EQ(error_of([&] { asyncio::sync_wait(barrier.wait()); }), "this can be awaited only in a task");
  EXPECT_EQ(barrier.n_waiting(), 0);
  v.loop.create_task(arrive(v, barrier, "a"));
  v.passes(1);
  EXPECT_EQ(barrier.n_waiting(), 1);
  v.loop.create_task(arrive(v, barrier, "b"));
  v.passes(3);
  EXPECT_EQ(without_passes(v.log), (Log{"b 1", "a 0"}));
  EXPECT_NE(error_of_await(other, [&] { return barrier.wait(); }).find("is bound to a different event loop"),
            std::string::npos);
  EXPECT_EQ(barrier.n_waiting(), 0);
}
