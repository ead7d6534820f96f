#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

/// What /proc knows about processes and threads.
namespace grader {

struct Task {
  pid_t id = 0;
  pid_t parent = 0;
  char state = '?';      ///< R runs, S sleeps, Z is a zombie, …
  bool exiting = false;  ///< on its way out: a thread may be joined before it is gone from /proc
  std::string name;
};

/// The threads of a process, in the order of their start; without those that are exiting.
std::vector<Task> threads_of(pid_t process);

/// How long the thread of the process that waited longest has waited for a processor that others had.
std::chrono::nanoseconds starved(pid_t process);

/// Does the thread hold the signal back?
bool blocks_signal(pid_t process, pid_t thread, int signal);

/// Children, their children and so on; without zombies.
std::vector<Task> descendants_of(pid_t process);

/// How many threads the user has now.
std::size_t threads_of_user(uid_t user);

}  // namespace grader
