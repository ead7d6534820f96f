#pragma once

#include <cstdint>

/// The system itself, without the functions of libc that stand under the explorer's control.
namespace explore::runtime::system {

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept;

/// Zeroed memory that takes up room only once it is touched. @param at a fixed address, or 0
/// @param shared with child processes. Ends the process if there is none.
void* memory(std::size_t size, std::uintptr_t at = 0, bool shared = false) noexcept;

/// A switch between two threads: the one waits until the other says go.
void wait_for(int& go) noexcept;
void say(int& go) noexcept;

[[noreturn]] void end_process(int status) noexcept;

/// By the system's clock, which scenarios do not see.
double seconds() noexcept;

}  // namespace explore::runtime::system
