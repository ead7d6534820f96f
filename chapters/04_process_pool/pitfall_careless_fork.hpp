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
  todo("1.1", "fork_while_locked");
}

}  // namespace concurrent
