#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include "fd.hpp"

namespace concurrent {

/// Returns a descriptor that becomes readable when the parent of this process has ended; an empty one where
/// the kernel does not know that (Linux before 5.3).
inline Fd parent_end() noexcept { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, ::getppid(), 0))); }

}  // namespace concurrent
