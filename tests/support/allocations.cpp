// Counts the calls of operator new in a test program. In a file of its own, so that the compiler cannot look
// through the replaced operators where they are used.

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "testing.hpp"

namespace {

std::atomic<std::size_t> count = 0;

void* require(void* memory) {
  count.fetch_add(1, std::memory_order_relaxed);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

std::size_t course::allocations() noexcept { return count.load(std::memory_order_relaxed); }

void* operator new(std::size_t size) { return require(std::malloc(size ? size : 1)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  return require(std::aligned_alloc(align, (size + align - 1) / align * align));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
