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
  // TODO 9.1: Let another thread lock the mutex, and wait until it has. Fork. In the
  // child, _exit() with what in_child() returns. In the parent, let the thread give the mutex back, and join
  // it.
  todo("9.1", "fork_while_locked");
}

}  // namespace concurrent
