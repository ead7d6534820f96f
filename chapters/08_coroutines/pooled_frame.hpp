#pragma once

#include <cstddef>
#include <new>

#include "sanitizers.hpp"
#include "todo.hpp"

namespace asyncio {

/// Memory for the frames of coroutines. Any thread may take some, and any thread may give it back. Before
/// step 9, each frame takes an allocation.
class FramePool {
 public:
  /// True if memory is to be kept for the next frame (step 9): not with AddressSanitizer, which finds the use
  /// of what is gone only if it is gone.
  static constexpr bool recycles = !address_sanitizer;

  /// Memory for a frame of `size` bytes.
  static void* allocate(std::size_t size) { return ::operator new(size); }

  /// Takes back what allocate(size) gave, on whatever thread.
  static void deallocate(void* memory, std::size_t) noexcept { ::operator delete(memory); }

  // For 9.1: members of FramePool.
};

/// The base of a promise whose coroutine's frame comes from the FramePool: the compiler asks the promise for
/// memory, if it has an `operator new`.
struct PooledFrame {
  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { FramePool::deallocate(frame, size); }
};

}  // namespace asyncio
