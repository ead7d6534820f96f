#pragma once

#include <cstdint>

#include "thread.hpp"

/// Which thread runs. Only one ever does; at each step another may be chosen.
namespace explore::runtime::scheduler {

/// The thread is about to do something that others can notice: another one may go first.
void step(Thread& thread) noexcept;

/// The thread cannot go on until somebody wakes it, or until its deadline: others run.
void block(Thread& thread, State state, const void* what) noexcept;

/// block() with a deadline, by the scenario's clock; none if it is negative.
void block_until(Thread& thread, State state, const void* what, std::int64_t deadline) noexcept;

/// The thread has ended, and the next one runs, at the same time as what the caller does now.
/// @returns false if it was the last
bool leave(Thread& thread) noexcept;

void wake(Thread& thread) noexcept;
/// Wakes all that are blocked so.
void wake_all(State state, const void* what) noexcept;

/// The thread waits until others have come to all places before `place`, or nobody else can go on.
void come_to(Thread& thread, int place) noexcept;

/// Lets all others go first that can run.
void yield(Thread& thread) noexcept;

/// A load that finds again and again what it found before: let others run, so that it may change. Has no
/// effect on what can happen, for to spin once more is to do nothing.
void spin(Thread& thread) noexcept;

}  // namespace explore::runtime::scheduler
