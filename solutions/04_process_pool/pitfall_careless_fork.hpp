#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <latch>
#include <mutex>
#include <thread>

#include "fd.hpp"
#include "todo.hpp"

namespace concurrent {

/// Forks at the worst moment: while another thread holds `mutex`. In the child, which has no such thread,
/// calls `in_child()` and exits with the status that it gives. In the parent, the other thread gives the
/// mutex back and ends.
/// @returns the child, for waitpid()
template <class F>
pid_t fork_while_locked(std::mutex& mutex, F in_child) {
  // <exercise 1.1 fork_while_locked>
  std::latch locked(1), forked(1);
  std::jthread holder([&] {
    std::lock_guard lock(mutex);
    locked.count_down();
    forked.wait();
  });
  locked.wait();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(in_child());
  forked.count_down();
  return checked(child, "fork");
  // </exercise>
}

}  // namespace concurrent
