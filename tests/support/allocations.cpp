// Counts the calls of operator new and operator delete in a test program, and those of malloc() and free(),
// which the linker leads here: ld's --wrap. In a file of its own, so that the compiler cannot look through
// the replaced operators where they are used.

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

#include "allocations.hpp"

// The names are the linker's.
extern "C" {
void* __real_malloc(std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void* __real_realloc(void* memory, std::size_t size);
void __real_free(void* memory);
}

namespace {

std::atomic<std::size_t> count = 0;
std::atomic<std::size_t> given_back = 0;

// Of the thread that has a course::Memory: so many more allocations and one of them fails; 0: none does.
thread_local constinit std::size_t left_until_one_fails = 0;

// Of the thread that has a course::NoMemory.
thread_local constinit bool none_is_left = false;

// Of the thread that has a course::SpoilsFreed.
thread_local constinit bool spoils_freed = false;

std::atomic<bool> has_run_out = false;

bool runs_out() noexcept {
  const bool now = none_is_left || (left_until_one_fails != 0 && --left_until_one_fails == 0);
  if (now) has_run_out.store(true, std::memory_order_relaxed);
  return now;
}

void* allocate(std::size_t size) noexcept {
  if (runs_out()) return nullptr;
  count.fetch_add(1, std::memory_order_relaxed);
  return __real_malloc(size ? size : 1);
}

void* allocate(std::size_t size, std::align_val_t alignment) noexcept {
  if (runs_out()) return nullptr;
  count.fetch_add(1, std::memory_order_relaxed);
  const auto align = static_cast<std::size_t>(alignment);
  return __real_aligned_alloc(align, (size + align - 1) / align * align);
}

void release(void* memory) noexcept {
  if (memory) given_back.fetch_add(1, std::memory_order_relaxed);
  if (memory && spoils_freed) std::memset(memory, 0xdd, malloc_usable_size(memory));
  __real_free(memory);
}

void* require(void* memory) { return memory ? memory : throw std::bad_alloc(); }

}  // namespace

std::size_t course::allocations() noexcept { return count.load(std::memory_order_relaxed); }
std::size_t course::deallocations() noexcept { return given_back.load(std::memory_order_relaxed); }

course::Memory::Failing::Failing(Memory& memory) noexcept : memory_(memory) {
  left_until_one_fails = memory.nth_;
}
course::Memory::Failing::~Failing() {
  memory_.ran_out_ = memory_.ran_out_ || left_until_one_fails == 0;
  left_until_one_fails = 0;
}

course::NoMemory::NoMemory() noexcept { none_is_left = true; }
course::NoMemory::~NoMemory() { none_is_left = false; }

course::SpoilsFreed::SpoilsFreed() noexcept { spoils_freed = true; }
course::SpoilsFreed::~SpoilsFreed() { spoils_freed = false; }

bool course::memory_has_run_out() noexcept { return has_run_out.load(std::memory_order_relaxed); }

// All forms, because a sanitizer has its own of those that are left out, and minds when they are mixed.
void* operator new(std::size_t size) { return require(allocate(size)); }
void* operator new[](std::size_t size) { return require(allocate(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t align) { return require(allocate(size, align)); }
void* operator new[](std::size_t size, std::align_val_t align) { return require(allocate(size, align)); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { release(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

extern "C" {

void* __wrap_malloc(std::size_t size) { return allocate(size); }
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  return allocate(size, std::align_val_t{alignment});
}
void* __wrap_calloc(std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
  void* memory = allocate(bytes);
  return memory ? std::memset(memory, 0, bytes) : nullptr;
}
void* __wrap_realloc(void* memory, std::size_t size) {
  if (!memory) return allocate(size);
  if (runs_out()) return nullptr;
  count.fetch_add(1, std::memory_order_relaxed);
  given_back.fetch_add(1, std::memory_order_relaxed);
  return __real_realloc(memory, size);
}
void __wrap_free(void* memory) { release(memory); }

}  // extern "C"
