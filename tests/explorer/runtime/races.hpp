#pragma once

#include <cstddef>
#include <cstdint>

#include "thread.hpp"

/// Watches all accesses to memory: two to the same bytes, one of them a write, must be ordered.
namespace explore::runtime::races {

enum class Access : std::uint8_t {
  read = 0,
  write = 1,
  use = 2,  ///< an atomic load, or the use of a mutex, …: may meet others of its kind, but not a write
  atomic_write = 3,  ///< likewise
  release = 5,       ///< the memory is deleted
};

/// Makes the tables. Call it once in a process.
void open() noexcept;

/// `thread` touches memory now. Fails the schedule if nothing orders that after what others did there, or if
/// the memory has been deleted, or was a local variable of a function that has returned.
void touch(Thread& thread, const void* memory, std::size_t size, Access access) noexcept;

/// The memory is new: what others did there does not matter any more.
void forget(const void* memory, std::size_t size) noexcept;

}  // namespace explore::runtime::races
