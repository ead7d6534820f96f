// Tests that do what no test should. Which verdict each gets is said in grader_test.cpp.

#include "misbehaviour.hpp"

#include <gtest/gtest.h>

using namespace misbehaviour;

TEST(Step1_Honest, Passes) { EXPECT_EQ(6 * 7, 42); }
TEST(Step1_Honest, PassesWithAThread) {
  int answer = 0;
  std::thread([&] { answer = 42; }).join();
  EXPECT_EQ(answer, 42);
}
TEST(Step1_Honest, PassesWithAProcess) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}
TEST(Step1_Honest, PassesWithADeathTest) { EXPECT_DEATH(std::abort(), ""); }
TEST(Step1_Honest, Fails) { EXPECT_EQ(6 * 9, 42) << "in words: \x01 \xFF ]]> <&\">"; }
TEST(Step1_Honest, IsSkipped) { GTEST_SKIP() << "not today"; }

TEST(Step2_Exits, ExitsAtOnce) { _exit(0); }
TEST(Step2_Exits, ExitsQuickly) { std::quick_exit(0); }
TEST(Step2_Exits, ExitsInOrder) { std::exit(0); }
TEST(Step2_Exits, PrintsSuccess) {
  print_success();
  _exit(0);
}
TEST(Step2_Exits, FailsAfterTheVerdict) {
  std::atexit([] { _exit(7); });
}

TEST(Step3_Kills, KillsItsParent) {
  kill(getppid(), SIGKILL);
  _exit(0);
}
TEST(Step3_Kills, KillsAll) {
  kill(-1, SIGKILL);
  _exit(0);
}
TEST(Step3_Kills, KillsItself) { kill(getpid(), SIGKILL); }

TEST(Step4_Channel, WritesToEveryDescriptor) {
  write_to_every_descriptor();
  FAIL();
}
TEST(Step4_Channel, ClosesEveryDescriptor) { close_every_descriptor(); }
TEST(Step4_Channel, WritesResults) {
  write_results();
  FAIL();
}

TEST(Step5_Leaves, LeavesAThread) { leave_thread(); }
TEST(Step5_Leaves, LeavesADaemon) { leave_daemon(); }

TEST(Step6_Floods, PrintsWithoutEnd) { print_without_end(); }
TEST(Step6_Floods, AllocatesWithoutEnd) { allocate_without_end(); }
TEST(Step6_Floods, RecursesWithoutEnd) { EXPECT_EQ(recurse(0), 0); }
TEST(Step6_Floods, ForksWithoutEnd) { fork_without_end(); }

TEST(Step7_Hangs, SpinsWithoutEnd) { spin(); }
TEST(Step7_Hangs, Deadlocks) { deadlock(); }
TEST(Step7_Hangs, BlocksSignals) { block_signals_and_wait(); }
TEST(Step7_Hangs, WaitsInTheTest) {
  std::promise<void> never;
  never.get_future().wait();
}

TEST(Step8_Dies, Aborts) { std::abort(); }
TEST(Step8_Dies, ReadsNothing) {
  int* volatile nothing = nullptr;
  EXPECT_EQ(*nothing, 0);
}
TEST(Step8_Dies, ThrowsInTheTest) { throw std::runtime_error("thrown in the test"); }
TEST(Step8_Dies, ThrowsInAThread) {
  std::thread([] { throw std::runtime_error("thrown in a thread"); }).join();
}
TEST(Step8_Dies, ThrowsTwice) { throw_twice(); }

TEST(Step8_Dies, ThrowsANumber) { throw 42; }
TEST(Step8_Dies, WritesToNoOne) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), 1);
}
TEST(Step8_Dies, IsAlarmed) {
  alarm(1);
  wait_for_ever();
}

TEST(Step9_Todo, InTheTest) { concurrent::todo("1.2", "Queue::push"); }
TEST(Step9_Todo, InAThread) {
  std::thread([] { concurrent::todo("1.3", "Queue::pop"); }).join();
}
TEST(Step9_Todo, InADestructorMeanwhile) {
  NotWrittenDestructor object;
  concurrent::todo("5.1", "Pool::post");
}
TEST(Step9_Todo, SwallowedThenAwaited) {
  try {
    concurrent::todo("4.1", "Pool::run");
  } catch (...) {
  }
  wait_for_ever();
}
