// Chapter 04, step 1: fork() in a program that has threads.

#include "pitfall_careless_fork.hpp"
#include "support.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <latch>
#include <mutex>
#include <system_error>
#include <thread>

#include "failing_calls.hpp"

COURSE_MAY_FAIL(int, fork, (), ())

namespace {

std::mutex log_mutex;

/// Returns what a child finds; 0 to 3.
int what_a_child_finds() {
  int found = 0;
  if (!log_mutex.try_lock()) found += 1;
  if (course::live_threads() == 1) found += 2;
  return found;
}

int status_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST(Step1_Fork, TheChildExitsWithItsStatus) {
  const NothingIsLeft nothing_is_left;
  EXPECT_EQ(status_of(concurrent::fork_while_locked(log_mutex, [] { return 42; })), 42);
}

TEST(Step1_Fork, TheLockIsHeldForEverByAThreadThatIsNotThere) {
  EXPECT_EQ(status_of(concurrent::fork_while_locked(log_mutex, what_a_child_finds)), 3)
      << "1: the mutex is locked; 2: no other thread is there that could give it back";
}

TEST(Step1_Fork, InTheProgramAllGoesOn) {
  const pid_t child = concurrent::fork_while_locked(log_mutex, [] { return 0; });
  EXPECT_TRUE(log_mutex.try_lock());
  log_mutex.unlock();
  EXPECT_EQ(course::live_threads(), 1u);
  status_of(child);
}

TEST(Step1_Fork, TheChildDoesNothingElse) {
  shared.calls = 0;
  std::atexit([] { ++shared.calls; });
  status_of(concurrent::fork_while_locked(log_mutex, [] { return 0; }));
  EXPECT_EQ(shared.calls, 0) << "the child has done what the program wants to do at its own end";
}

TEST(Step1_Fork, ItForksOnceItsOwnThreadHasTheLock) {
  std::latch held(1);
  std::atomic<bool> given_back = false;
  std::jthread other([&] {
    std::lock_guard lock(log_mutex);
    held.count_down();
    course::wait_until_others_block();  // one of them waits for the lock, and one for that
    given_back = true;
  });
  held.wait();
  const pid_t child = concurrent::fork_while_locked(log_mutex, [&] { return given_back ? 1 : 0; });
  EXPECT_EQ(status_of(child), 1) << "it forked before its own thread had the lock";
}

TEST(Step1_Fork, AForkThatFailsIsAnErrorAndKeepsNobodyWaiting) {
  const course::CallsFail no_process(fork_calls, EAGAIN);
  try {
    concurrent::fork_while_locked(log_mutex, [] { return 0; });
    ADD_FAILURE() << "there is no child, and no error";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EAGAIN);
  }
  EXPECT_TRUE(log_mutex.try_lock());
  log_mutex.unlock();
  EXPECT_EQ(course::live_threads(), 1u);
}
