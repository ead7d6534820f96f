#pragma once

#include "thread.hpp"

namespace explore::runtime::descriptors {

/// True if the file descriptors that the thread waits for let it go on now.
bool ready(Thread& thread) noexcept;

}  // namespace explore::runtime::descriptors
