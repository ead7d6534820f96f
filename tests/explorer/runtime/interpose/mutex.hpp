#pragma once

#include <pthread.h>

#include <cstdint>

#include "../thread.hpp"

/// Operations on a mutex, for other interposed functions.
namespace explore::runtime::mutexes {

/// Locks a mutex; the thread is about to go on, so no step is taken first.
/// @param deadline negative: none @returns 0, or ETIMEDOUT
int take(Thread& thread, pthread_mutex_t* mutex, std::int64_t deadline) noexcept;

/// Gives a mutex back that the thread has.
void give_back(Thread& thread, pthread_mutex_t* mutex) noexcept;

}  // namespace explore::runtime::mutexes
