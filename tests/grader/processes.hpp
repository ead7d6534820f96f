#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

/// Reads from /proc about processes and threads.
namespace grader {

struct Task {
  pid_t id = 0;
  pid_t parent = 0;
  char state = '?';      ///< R runs, S sleeps, Z is a zombie, …
  bool exiting = false;  ///< on its way out: a thread may be joined before it is gone from /proc
  std::string name;
};

/// Returns the threads of a process in the order of their start, without those that are exiting.
std::vector<Task> threads_of(pid_t process);

/// Returns how long the process was kept off the processor by others: the longest time of any of its threads.
std::chrono::nanoseconds starved(pid_t process);

/// True if the thread blocks the signal.
bool blocks_signal(pid_t process, pid_t thread, int signal);

/// Returns the children of a process, their children and so on, without zombies.
std::vector<Task> descendants_of(pid_t process);

/// Counts the threads that the user has now.
std::size_t threads_of_user(uid_t user);

}  // namespace grader
