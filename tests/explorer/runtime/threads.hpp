#pragma once

#include "thread.hpp"

/// The threads of a scenario: real ones, on stacks at fixed addresses.
namespace explore::runtime::threads {

/// Makes room for the stacks. Call it once in a process.
void open() noexcept;

/// Runs `function(argument)` on thread 0, and returns when all threads have ended.
void run_all(void* (*function)(void*), void* argument) noexcept;

/// Whose stack this lies on; -1: nobody's.
int stack_owner(const void* memory) noexcept;

}  // namespace explore::runtime::threads
