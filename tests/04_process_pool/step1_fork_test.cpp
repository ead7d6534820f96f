// Chapter 04, step 1: fork() in a program that has threads.

#include "pitfall_careless_fork.hpp"
#include "support.hpp"

#include <mutex>

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
