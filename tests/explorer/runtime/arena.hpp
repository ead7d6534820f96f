#pragma once

#include <cstddef>
#include <new>
#include <type_traits>

namespace explore::runtime::arena {

/// Makes the arena. Call it once in a process.
void open() noexcept;

/// Forgets everything: the next schedule begins.
void reset() noexcept;

/// Memory until the schedule ends.
void* allocate(std::size_t size) noexcept;

/// An object that lives until the schedule ends, and is never destroyed.
template <class T>
requires std::is_trivially_destructible_v<T> T* make() noexcept { return new (allocate(sizeof(T))) T{}; }

}  // namespace explore::runtime::arena
