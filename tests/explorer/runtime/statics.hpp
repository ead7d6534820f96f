#pragma once

/// The program's static variables, put back after each schedule, so that all begin alike. Those of shared
/// libraries are not: what libstdc++ and libc keep there lives on.
namespace explore::runtime::statics {

/// Remembers what they are now. Call it once in a process, before the first schedule.
void remember() noexcept;

void put_back() noexcept;

}  // namespace explore::runtime::statics
